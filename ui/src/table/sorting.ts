/** How a table is sorted, as it stands in the URL: a column, with a minus in front where the greatest comes first. */

export interface Sorting {
  column: string;
  down: boolean;
}

/** What a column has of a row; what is missing comes last, whichever way it is sorted. */
export type Columns<Row> = Record<string, (row: Row) => number | string | null | undefined>;

/** Reads a sorting; a column that there is not gives the default. */
export function parseSorting<Row>(text: string, columns: Columns<Row>, usual: string): Sorting {
  const wanted = Object.hasOwn(columns, text.replace(/^-/, "")) ? text : usual;
  return { column: wanted.replace(/^-/, ""), down: wanted.startsWith("-") };
}

export function writeSorting(sorting: Sorting): string {
  return (sorting.down ? "-" : "") + sorting.column;
}

/** Returns the rows in order; those that are equal stay as they come. */
export function sortRows<Row>(rows: readonly Row[], columns: Columns<Row>, sorting: Sorting): Row[] {
  const value = columns[sorting.column];
  if (value === undefined) {
    return [...rows];
  }
  const sign = sorting.down ? -1 : 1;
  return rows
    .map((row) => ({ row, at: value(row) ?? null }))
    .sort((a, b) => {
      if (a.at === null || b.at === null) {
        return Number(a.at === null) - Number(b.at === null);
      }
      if (typeof a.at === "number" && typeof b.at === "number") {
        return (a.at - b.at) * sign;
      }
      return String(a.at).localeCompare(String(b.at), "en", { numeric: true }) * sign;
    })
    .map((one) => one.row);
}
