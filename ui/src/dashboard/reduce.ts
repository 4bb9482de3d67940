/** Grafana's calculations that make one value of a series; a gap is null. */

type Values = (number | null)[];

export function reduceValues(values: Values, calc: string): number | null {
  const present = values.filter((value) => value !== null);
  const first = present[0] ?? null;
  const last = present.at(-1) ?? null;
  switch (calc) {
    case "last":
      return values.at(-1) ?? null;
    case "first":
      return values[0] ?? null;
    case "firstNotNull":
      return first;
    case "count":
      return values.length;
    case "diff":
      return first === null || last === null ? null : last - first;
    case "min":
      return first === null ? null : Math.min(...present);
    case "max":
      return first === null ? null : Math.max(...present);
    case "range":
      return first === null ? null : Math.max(...present) - Math.min(...present);
    case "sum":
      return first === null ? null : sum(present);
    case "mean":
      return first === null ? null : sum(present) / present.length;
    default:
      return last;
  }
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
