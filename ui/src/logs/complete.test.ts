import { describe, expect, it } from "vitest";

import { applied, fieldSuggestions, type Place, placeAt, valueSuggestions } from "./complete";

/** The kind, prefix and field of the place that the bar marks. */
function at(marked: string): string | null {
  const caret = marked.indexOf("|");
  const place = placeAt(marked.replace("|", ""), caret);
  return place === null ? null : [place.kind, place.prefix, place.field].join("/");
}

describe("what is typed at the caret", () => {
  it.each([
    ["|", "field//"],
    ["ser|", "field/ser/"],
    ["service:|", "value//service"],
    ["service: |", "value//service"],
    ["service: pa|", "value/pa/service"],
    ['service: "pay m|', "value/pay m/service"],
    ["service: payments |", "joint//"],
    ["service: payments a|", "joint/a/"],
    ["service: payments and |", "field//"],
    ["service: payments and le|", "field/le/"],
    ["level: (error or |", "value//level"],
    ["level: (error or wa|", "value/wa/level"],
    ["level: (error |", "joint//"],
    ["level: (error) |", "joint//"],
    ["duration >= |", "value//duration"],
    ["not (ser|", "field/ser/"],
    ["odd\\:name: |", "value//odd:name"],
    ['"a phrase|', null],
    ['"a phrase"|', null],
    ["ser| and x", "field/ser/"],
  ])("%s", (marked, want) => {
    expect(at(marked)).toBe(want);
  });
});

const FIELDS = [
  { name: "customer.id", type: "keyword", lines: 1 },
  { name: "service", type: "keyword", lines: 1 },
  { name: "service.name", type: "keyword", lines: 1 },
  { name: "time", type: "date", lines: 1 },
];
const place = (kind: Place["kind"], prefix: string): Place => ({ kind, from: 0, prefix, field: "f" });

describe("suggestions", () => {
  it("of fields begin with those that begin so", () => {
    expect(fieldSuggestions(FIELDS, place("field", "s")).map((one) => one.label)).toEqual([
      "service",
      "service.name",
      "customer.id",
    ]);
    expect(fieldSuggestions(FIELDS, place("field", "ti"))[0]?.insert).toBe("time >= ");
  });

  it("behind a value are what joins", () => {
    expect(fieldSuggestions(FIELDS, place("joint", "")).map((one) => one.insert)).toEqual([
      "and ",
      "or ",
      "and not ",
    ]);
  });

  it("of values are in quotes where they must be", () => {
    const values = ["c1", "a b", "or", "/x:1", "*"].map((value, i) => ({ value, lines: 10 - i }));
    const found = valueSuggestions(values, place("value", ""), (count) => String(count));
    expect(found.map((one) => one.insert)).toEqual(["c1 ", '"a b" ', '"or" ', "/x:1 ", '"*" ', "* "]);
  });

  it("take the place of what was typed", () => {
    const text = "level: er and x";
    const found = placeAt(text, 9);
    expect(found).not.toBeNull();
    const chosen = { label: "ERROR", insert: "ERROR ", detail: "" };
    expect(found && applied(text, 9, found, chosen)).toEqual({ text: "level: ERROR and x", caret: 13 });
  });
});
