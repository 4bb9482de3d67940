import { describe, expect, it } from "vitest";

import { parseSorting, sortRows, writeSorting } from "./sorting";

interface Row {
  name: string;
  took: number | null;
}

const COLUMNS = { name: (row: Row) => row.name, took: (row: Row) => row.took };
const ROWS: Row[] = [
  { name: "b10", took: 2 },
  { name: "b9", took: null },
  { name: "a", took: 10 },
];

describe("a sorting", () => {
  it("is read from the URL and written to it", () => {
    expect(parseSorting("-took", COLUMNS, "name")).toEqual({ column: "took", down: true });
    expect(writeSorting({ column: "took", down: true })).toBe("-took");
  });

  it("falls back to the usual one where there is no such column", () => {
    expect(parseSorting("constructor", COLUMNS, "-took")).toEqual({ column: "took", down: true });
  });
});

describe("sortRows", () => {
  const names = (sort: string): string[] =>
    sortRows(ROWS, COLUMNS, parseSorting(sort, COLUMNS, "name")).map((row) => row.name);

  it("sorts numbers as numbers, also within names", () => {
    expect(names("took")).toEqual(["b10", "a", "b9"]);
    expect(names("name")).toEqual(["a", "b9", "b10"]);
  });

  it("leaves what is missing at the end, whichever way", () => {
    expect(names("-took")).toEqual(["a", "b10", "b9"]);
  });
});
