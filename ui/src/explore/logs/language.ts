/** The query language of logs for the editor: completion of fields and values as the view of logs has it. */

import { type CompletionContext, type CompletionResult, startCompletion } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";

import type { Params } from "../../api/http";
import { getLogFields, getTopValues, type LogField, type TopValues } from "../../api/logs";
import { formatValue } from "../../format/number";
import {
  fieldSuggestions,
  type Place,
  placeAt,
  type Suggestion,
  valueSuggestions,
} from "../../logs/complete";
import { tokens } from "../../logs/kql";
import type { Language } from "../editor/create";
import { coloured, type Mark } from "../editor/marks";

const KEPT_MS = 30_000;
const VALUES = 200;

/** Makes the language; `scope` gives the range of time, as the API's parameters. */
export function kql(scope: () => Params): Language {
  const kept = new Map<string, { at: number; value: Promise<unknown> }>();

  function keep<T>(key: string, load: () => Promise<T>): Promise<T> {
    const one = kept.get(key);
    if (one !== undefined && Date.now() - one.at < KEPT_MS) {
      return one.value as Promise<T>;
    }
    const value = load();
    kept.set(key, { at: Date.now(), value });
    value.catch(() => kept.delete(key));
    return value;
  }

  async function suggestions(place: Place, signal: AbortSignal): Promise<Suggestion[]> {
    if (place.kind === "value") {
      const { field } = place;
      const found = await keep<TopValues>(`values ${field}`, () =>
        getTopValues({ ...scope(), field, limit: VALUES }, signal),
      );
      return valueSuggestions(found.values, place, (count) => `${formatValue(count, "short")} lines`);
    }
    const found = await keep<LogField[]>("fields", async () => (await getLogFields(scope(), signal)).fields);
    return fieldSuggestions(found, place);
  }

  async function complete(context: CompletionContext): Promise<CompletionResult | null> {
    const place = placeAt(context.state.doc.toString(), context.pos);
    if (place === null || (place.kind === "joint" && place.prefix === "" && !context.explicit)) {
      return null;
    }
    try {
      const found = await suggestions(place, AbortSignal.timeout(10_000));
      return {
        from: place.from,
        filter: false,
        options: found.map(({ label, insert, detail }) => ({
          label,
          detail,
          type: place.kind === "value" ? "text" : "property",
          apply: (view, _, from, to) => {
            // A quote that was begun has its end behind the caret, where the editor put it.
            const closed =
              view.state.sliceDoc(from, from + 1) === '"' && view.state.sliceDoc(to, to + 1) === '"';
            view.dispatch({
              changes: { from, to: closed ? to + 1 : to, insert },
              selection: { anchor: from + insert.length },
              userEvent: "input.complete",
            });
            if (place.kind === "field") {
              // Its value comes next.
              startCompletion(view);
            }
          },
        })),
      };
    } catch {
      // Without suggestions a query can be typed as well.
      return null;
    }
  }

  return { extension: [EditorState.languageData.of(() => [{ autocomplete: complete }]), coloured(marks)] };
}

function marks(text: string): Mark[] {
  const all = tokens(text);
  return all.flatMap(({ kind, from, to }, i): Mark[] => {
    const next = all[i + 1]?.kind;
    if (kind === "and" || kind === "or" || kind === "not") {
      return [{ from, to, kind: "word" }];
    }
    if (kind === "word" && (next === "colon" || next === "compare")) {
      return [{ from, to, kind: "name" }];
    }
    return kind === "phrase" ? [{ from, to, kind: "value" }] : [];
  });
}
