/** Grafana's calculations that make one value of a series; a gap is null. */

export type Values = readonly (number | null)[];

type Calc = (present: number[], all: Values) => number | null;

const CALCS: Record<string, { title: string; calc: Calc }> = {
  lastNotNull: { title: "Last *", calc: (present) => present.at(-1) ?? null },
  last: { title: "Last", calc: (_, all) => all.at(-1) ?? null },
  firstNotNull: { title: "First *", calc: (present) => present[0] ?? null },
  first: { title: "First", calc: (_, all) => all[0] ?? null },
  min: { title: "Min", calc: least },
  max: { title: "Max", calc: greatest },
  mean: { title: "Mean", calc: mean },
  sum: { title: "Total", calc: (present) => (present.length === 0 ? null : sum(present)) },
  count: { title: "Count", calc: (_, all) => all.length },
  countAll: { title: "Count all", calc: (_, all) => all.length },
  range: {
    title: "Range",
    calc: (present) => minus(greatest(present), least(present)),
  },
  diff: {
    title: "Difference",
    calc: (present) => minus(present.at(-1) ?? null, present[0] ?? null),
  },
  diffperc: {
    title: "Difference percent",
    calc: (present) => {
      const [first, last] = [present[0], present.at(-1)];
      return first === undefined || last === undefined || first === 0 ? null : (last - first) / first;
    },
  },
  delta: { title: "Delta", calc: delta },
  step: {
    title: "Step",
    calc: (present) => least(present.slice(1).map((one, i) => one - (present[i] ?? 0))),
  },
  logmin: { title: "Min (above zero)", calc: (present) => least(present.filter((one) => one > 0)) },
  median: { title: "Median", calc: (present) => quantile(present, 0.5) },
  variance: { title: "Variance", calc: variance },
  stdDev: {
    title: "StdDev",
    calc: (present) => {
      const found = variance(present);
      return found === null ? null : Math.sqrt(found);
    },
  },
  changeCount: {
    title: "Change count",
    calc: (present) => present.slice(1).filter((one, i) => one !== present[i]).length,
  },
  distinctCount: { title: "Distinct count", calc: (present) => new Set(present).size },
  allIsNull: { title: "All Nulls", calc: (present) => (present.length === 0 ? 1 : 0) },
  allIsZero: {
    title: "All Zeros",
    calc: (present) => (present.length > 0 && present.every((one) => one === 0) ? 1 : 0),
  },
};

const PERCENTILE = /^p(\d{1,2})$/;

/** Calculations whose results have no unit of the values. */
export const COUNTING = new Set([
  "count",
  "countAll",
  "changeCount",
  "distinctCount",
  "allIsNull",
  "allIsZero",
]);

export function isKnownCalc(calc: string): boolean {
  return Object.hasOwn(CALCS, calc) || PERCENTILE.test(calc);
}

/** What a calculation is called in a legend or a footer, as in Grafana: columns and overrides go by these names. */
export function calcTitle(calc: string): string {
  const percentile = PERCENTILE.exec(calc)?.[1];
  return percentile === undefined ? (CALCS[calc]?.title ?? calc) : `${percentile}th %`;
}

/** Calculates one value; one that is not known is the last. */
export function reduceValues(values: Values, calc: string): number | null {
  // By far the most frequent ones need no list of all that is there.
  if (calc === "lastNotNull" || calc === "firstNotNull") {
    const isPresent = (value: number | null): boolean => value !== null && !Number.isNaN(value);
    return (calc === "lastNotNull" ? values.findLast(isPresent) : values.find(isPresent)) ?? null;
  }
  const present = values.filter((value) => value !== null && !Number.isNaN(value)) as number[];
  const percentile = PERCENTILE.exec(calc)?.[1];
  if (percentile !== undefined) {
    return quantile(present, Number(percentile) / 100);
  }
  return (CALCS[calc]?.calc ?? ((some: number[]) => some.at(-1) ?? null))(present, values);
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

function least(present: number[]): number | null {
  return present.reduce<number | null>((low, one) => (low === null || one < low ? one : low), null);
}

function greatest(present: number[]): number | null {
  return present.reduce<number | null>((high, one) => (high === null || one > high ? one : high), null);
}

function sum(present: number[]): number {
  return present.reduce((total, one) => total + one, 0);
}

function mean(present: number[]): number | null {
  return present.length === 0 ? null : sum(present) / present.length;
}

function variance(present: number[]): number | null {
  const middle = mean(present);
  return middle === null ? null : sum(present.map((one) => (one - middle) ** 2)) / present.length;
}

/** How much a counter grew: where it falls it began anew at zero. */
function delta(present: number[]): number | null {
  const first = present[0];
  if (first === undefined) {
    return null;
  }
  let total = 0;
  let before = first;
  for (const one of present) {
    total += one >= before ? one - before : one;
    before = one;
  }
  return total;
}

function quantile(present: number[], share: number): number | null {
  if (present.length === 0) {
    return null;
  }
  const sorted = [...present].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? 0;
  return low + (high - low) * (at - Math.floor(at));
}
