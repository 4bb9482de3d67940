/** PromQL for the editor: completion, signature help, what a name means, and what is wrong. */

import type { Completion, CompletionResult } from "@codemirror/autocomplete";
import type { Diagnostic } from "@codemirror/lint";
import type { EditorState } from "@codemirror/state";
import { type Extension, StateField } from "@codemirror/state";
import { type EditorView, hoverTooltip, showTooltip, type Tooltip } from "@codemirror/view";
import { newCompleteStrategy, PromQLExtension } from "@prometheus-io/codemirror-promql";

import type { Language } from "../editor/create";
import { hasNames } from "../metrics/fill";
import { metadataOf } from "../metrics/metadata";
import { callAt } from "./call";
import { CompletionClient } from "./client";
import { KNOWN, parameterAt, type Signature, signatureOf } from "./signatures";

/** Makes the language; `range` gives the view's range of time, in Unix milliseconds. */
export function promql(range: () => { from: number; to: number }): Language {
  const client = new CompletionClient(range);
  const complete = newCompleteStrategy({ remote: client });
  const promql = new PromQLExtension().activateLinter(false).setComplete({
    completeStrategy: {
      promQL: async (context) => known(await complete.promQL(context)),
    },
  });
  const lint = promql.getLinter();
  return {
    extension: [promql.asExtension(), signatureHelp, explain(client)],
    check: (view: EditorView): readonly Diagnostic[] =>
      // The grammar does not know the names that are filled in.
      hasNames(view.state.doc.toString()) ? [] : (lint.promQL.call(lint)(view) as readonly Diagnostic[]),
  };
}

/** What the observatory refuses is not offered, and each function says what it does in the words of its signature. */
function known(result: CompletionResult | null): CompletionResult | null {
  if (result === null) {
    return null;
  }
  const options = result.options.flatMap((one): Completion[] => {
    const called = one.detail === "function" || one.detail === "aggregation";
    if (/^fill/.test(one.label) && one.type === "keyword") {
      return [];
    }
    if (!called) {
      return [one];
    }
    const signature = signatureOf(one.label);
    return signature === null ? [] : [{ ...one, info: signature.text }];
  });
  return { ...result, options };
}

/** Shows what the function takes whose brackets the caret is in, with the present parameter marked. */
const signatureHelp: Extension = StateField.define<Tooltip | null>({
  create: signatureTooltip,
  update: (shown, transaction) =>
    transaction.docChanged || transaction.selection !== undefined
      ? signatureTooltip(transaction.state)
      : shown,
  provide: (field) => showTooltip.from(field),
});

function signatureTooltip(state: EditorState): Tooltip | null {
  const { main } = state.selection;
  const call = main.empty ? callAt(state.doc.toString(), main.head) : null;
  const signature = call === null ? null : signatureOf(call.name);
  if (call === null || signature === null) {
    return null;
  }
  return {
    pos: call.from,
    above: true,
    strictSide: false,
    create: () => {
      const dom = signatureElement(call.name, signature, parameterAt(signature, call.argument));
      dom.classList.add("cm-signature");
      return { dom };
    },
  };
}

function signatureElement(name: string, signature: Signature, present: number | null): HTMLElement {
  const code = document.createElement("code");
  code.append(`${name}(`);
  signature.parameters.forEach((parameter, i) => {
    const text = `${parameter.name}: ${parameter.type}${parameter.optional ? "?" : ""}${parameter.repeated ? ", …" : ""}`;
    const part = document.createElement(i === present ? "b" : "span");
    part.textContent = text;
    code.append(i === 0 ? "" : ", ", part);
  });
  code.append(")");
  return about(code, signature.text);
}

function about(head: HTMLElement, text: string): HTMLElement {
  const dom = document.createElement("div");
  dom.className = "cm-about";
  const line = document.createElement("p");
  line.textContent = text;
  dom.append(head, ...(text === "" ? [] : [line]));
  return dom;
}

const NAME = /[A-Za-z_:][\w:]*/g;

/** Tells what a metric or function is where the pointer rests on it. */
function explain(client: CompletionClient): Extension {
  return hoverTooltip(async (view, pos) => {
    const line = view.state.doc.lineAt(pos);
    for (const match of line.text.matchAll(NAME)) {
      const from = line.from + match.index;
      const name = match[0];
      if (from <= pos && pos <= from + name.length) {
        const dom = await meaning(client, name, view.state.sliceDoc(from + name.length, line.to));
        return dom === null
          ? null
          : { pos: from, end: from + name.length, above: true, create: () => ({ dom }) };
      }
    }
    return null;
  });
}

async function meaning(client: CompletionClient, name: string, after: string): Promise<HTMLElement | null> {
  if (KNOWN.includes(name) && /^\s*(\(|by\b|without\b)/.test(after)) {
    const signature = signatureOf(name);
    return signature === null ? null : signatureElement(name, signature, null);
  }
  const metadata = metadataOf(await client.metadata(), name);
  if (metadata === undefined) {
    return null;
  }
  const code = document.createElement("code");
  code.append(name, ` (${[metadata.type, metadata.unit].filter(Boolean).join(", ")})`);
  return about(code, metadata.help);
}
