/** The search within a trace: in names, services, ids, messages, attributes and events. */

import type { Attributes, Span } from "../api/traces";

export class SpanFinder {
  #texts: string[] | null = null;

  constructor(private readonly spans: Span[]) {}

  /** Returns the places of the spans that have every word; those in quotes are one. None for no words. */
  find(query: string): number[] {
    const words = wordsOf(query.toLowerCase());
    if (words.length === 0) {
      return [];
    }
    // Made at the first search alone: of a large trace it is a few megabytes.
    this.#texts ??= textsOf(this.spans);
    const found: number[] = [];
    this.#texts.forEach((text, index) => {
      if (words.every((word) => text.includes(word))) {
        found.push(index);
      }
    });
    return found;
  }
}

function wordsOf(query: string): string[] {
  return [...query.matchAll(/"([^"]+)"?|(\S+)/g)].map((match) => match[1] ?? match[2] ?? "");
}

function textsOf(spans: Span[]): string[] {
  // Many spans have one resource, which is written once.
  const resources = new Map<Attributes, string>();
  return spans.map((span) => {
    const resource = resources.get(span.resource) ?? lines(span.resource).join("\n");
    resources.set(span.resource, resource);
    return [
      span.service,
      span.name,
      span.span_id,
      span.kind,
      span.status,
      span.status_message,
      span.scope,
      resource,
      ...lines(span.attributes),
      ...span.events.flatMap((event) => [event.name, ...lines(event.attributes)]),
    ]
      .join("\n")
      .toLowerCase();
  });
}

function lines(attributes: Attributes): string[] {
  return Object.entries(attributes).map(([name, value]) => `${name}=${attributeText(value)}`);
}

/** Returns an attribute's value as the search for traces compares it. */
export function attributeText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
