import { CompletionContext, type CompletionSource } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { describe, expect, it } from "vitest";

import { traceLanguage } from "./language";

/** What a text is after the first completion at the bar was taken; null where there is none. */
async function taken(marked: string): Promise<string | null> {
  const pos = marked.indexOf("|");
  const doc = marked.replace("|", "");
  const state = EditorState.create({ doc, extensions: traceLanguage().extension });
  const [complete] = state.languageDataAt<CompletionSource>("autocomplete", pos);
  const result = (await complete?.(new CompletionContext(state, pos, true))) ?? null;
  const [first] = result?.options ?? [];
  return result === null || first === undefined
    ? null
    : doc.slice(0, result.from) + String(first.apply) + doc.slice(result.to ?? pos);
}

describe("completion of terms", () => {
  it.each([
    ["|", "service="],
    ["status=er|", "status=error "],
    ["status=|", "status=error "],
    // The editor has put the second quote.
    ['status="er|"', "status=error "],
    ['status="un|', "status=unset "],
    ["status=er|ror kind=server", "status=error  kind=server"],
    ["kind=ER|", "kind=server "],
    ["kind=nothing|", null],
    ["a=1 se|rvice=shop", "a=1 service=shop"],
    ["http.route=|", null],
  ])("of %j makes %j", async (marked, expected) => {
    expect(await taken(marked)).toBe(expected);
  });
});
