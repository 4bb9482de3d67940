/** The query language of traces for the editor. */

import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";

import { getServices, type Service } from "../../api/traces";
import type { Language } from "../editor/create";
import { coloured, type Mark } from "../editor/marks";
import { KINDS, NAMES, readTerms, readTraceQuery, STATUSES, writeTerm } from "./query";

const ABOUT: Record<(typeof NAMES)[number], string> = {
  service: "of which a span is",
  operation: "the name of a span",
  status: STATUSES.join(", "),
  kind: KINDS.slice(0, 4).join(", "),
  scope: "the instrumentation that made a span",
  minDuration: "such as 250ms",
  maxDuration: "such as 2s",
};
const KEPT_MS = 30_000;
const MOST = 200;

export function traceLanguage(): Language {
  let kept: { at: number; services: Promise<Service[]> } | null = null;

  function services(): Promise<Service[]> {
    if (kept === null || Date.now() - kept.at > KEPT_MS) {
      kept = { at: Date.now(), services: getServices(AbortSignal.timeout(10_000)).catch(() => []) };
    }
    return kept.services;
  }

  async function values(name: string, service: string | undefined): Promise<string[]> {
    switch (name) {
      case "service":
        return (await services()).map((one) => one.name);
      case "operation":
        return [
          ...new Set(
            (await services())
              .filter((one) => service === undefined || one.name === service)
              .flatMap((one) => one.operations),
          ),
        ].sort();
      case "status":
        return STATUSES;
      case "kind":
        return KINDS;
      default:
        return [];
    }
  }

  async function complete(context: CompletionContext): Promise<CompletionResult | null> {
    const text = context.state.doc.toString();
    const { pos } = context;
    const terms = readTerms(text);
    const term = terms.findLast((one) => one.from <= pos && pos <= one.to);
    if (term === undefined || term.valueFrom === null || pos < term.valueFrom) {
      const given = new Set(terms.map((one) => one.name));
      return {
        from: term?.from ?? pos,
        to: term?.valueFrom ?? term?.to ?? pos,
        options: NAMES.filter((name) => !given.has(name) || name === term?.name).map((name) => ({
          label: name,
          detail: ABOUT[name],
          type: "property",
          apply: `${name}=`,
        })),
        validFor: /^\w*$/,
      };
    }
    const { name, valueFrom, unclosed } = term;
    const [begun] = readTerms(text.slice(term.from, pos));
    const found = matching(await values(name, readTraceQuery(text).values.service), begun?.value ?? "");
    return found.length === 0
      ? null
      : {
          from: valueFrom,
          // A quote without an end goes on over all that follows.
          to: unclosed === null ? term.to : pos,
          filter: false,
          options: found.map((value) => ({
            label: value,
            type: "text",
            apply: `${writeTerm(name, value).slice(name.length + 1)} `,
          })),
        };
  }

  return {
    extension: [EditorState.languageData.of(() => [{ autocomplete: complete }]), coloured(marks)],
    check: (view) => readTraceQuery(view.state.doc.toString()).problems,
  };
}

/** Those that have what was begun in them, first those that begin so. */
function matching(values: readonly string[], begun: string): string[] {
  const wanted = begun.toLowerCase();
  const found = values.filter((one) => one.toLowerCase().includes(wanted));
  const begins = (one: string): boolean => one.toLowerCase().startsWith(wanted);
  return [...found.filter(begins), ...found.filter((one) => !begins(one))].slice(0, MOST);
}

function marks(text: string): Mark[] {
  return readTerms(text).flatMap(({ from, to, valueFrom }): Mark[] =>
    valueFrom === null
      ? []
      : [
          { from, to: valueFrom - 1, kind: "name" },
          { from: valueFrom, to, kind: "value" },
        ],
  );
}
