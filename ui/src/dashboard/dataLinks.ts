/** The links of the data that a panel shows, and the names that are made of its fields. */

import type { TimeRange } from "../time/range";
import type { DataFrame, Field } from "../data/fields";
import { display } from "./display";
import type { Entry } from "./entries";
import type { Series } from "../data/frame";
import { labelIn, type LinkScope, readyLink, type ReadyLink } from "./links";
import type { PanelContext, Shown } from "./queries";
import { replaceVariables } from "./variables";

export class DataLinks {
  constructor(
    readonly context: PanelContext,
    readonly shown: Shown,
    readonly range: TimeRange,
  ) {}

  ofEntry(entry: Entry): ReadyLink[] {
    const { value, text, field } = entry;
    return this.#of(field, {
      value: { raw: String(value ?? ""), text, numeric: value, time: this.shown.to, calc: "" },
    });
  }

  ofCell(field: Field, row: number, frame: DataFrame): ReadyLink[] {
    if (field.config.links.length === 0) {
      return [];
    }
    const cell = (one: Field): { raw: string; text: string } => {
      const value = one.values[row] ?? null;
      return { raw: String(value ?? ""), text: display(value, one.config).text };
    };
    const value = field.values[row] ?? null;
    const numeric = typeof value === "number" ? value : null;
    const time = frame.fields.find((one) => one.kind === "time")?.values[row];
    return this.#of(field, {
      value: { ...cell(field), numeric, time: typeof time === "number" ? time : null, calc: "" },
      fields: frame.fields.map((one) => [one.title, cell(one)]),
    });
  }

  /** @param time Unix milliseconds. */
  ofPoint({ field, values }: Series, index: number, time: number): ReadyLink[] {
    if (field === undefined) {
      return [];
    }
    const value = values[index] ?? null;
    const { text } = display(value, field.config);
    return this.#of(field, { value: { raw: String(value ?? ""), text, numeric: value, time, calc: "" } });
  }

  #of(field: Field, scope: Omit<LinkScope, "series" | "field" | "labels">): ReadyLink[] {
    const about: LinkScope = { series: field.title, field: field.title, labels: field.labels, ...scope };
    return field.config.links.flatMap(
      (link) => readyLink(link, this.context, this.shown, this.range, about) ?? [],
    );
  }
}

/** Fills a display name with what is of its field. */
export function expandName(text: string, field: Field, context: PanelContext): string {
  return replaceVariables(text, context.values, "text", (name, path) => {
    if (
      name === "__series" ||
      (name === "__field" && (path === "name" || path === "" || path === "displayName"))
    ) {
      return field.title;
    }
    const wanted = name === "__field" ? labelIn(path) : undefined;
    return wanted === undefined ? undefined : (field.labels[wanted] ?? "");
  });
}
