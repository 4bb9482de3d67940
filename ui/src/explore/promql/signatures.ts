/** What the functions and aggregations that the observatory has take and do. */

export interface Parameter {
  name: string;
  type: "scalar" | "string" | "instant vector" | "range vector";
  /** It may be left out. */
  optional: boolean;
  /** It may be given any number of times. */
  repeated: boolean;
}

export interface Signature {
  parameters: Parameter[];
  /** One sentence. */
  text: string;
}

type Written = [parameters: string, text: string];

/** Parameters are written `name: type`, with `?` where one may be left out and `…` where it may be repeated. */
const AGGREGATIONS: Record<string, Written> = {
  avg: ["v: vector", "The average of the series of each group."],
  bottomk: [
    "k: scalar, v: vector",
    "The k series with the smallest values of each group, with all their labels.",
  ],
  count: ["v: vector", "How many series each group has."],
  count_values: ["label: string, v: vector", "How many series have each value; the value becomes the label."],
  group: ["v: vector", "The value 1 for each group that there is."],
  max: ["v: vector", "The largest value of each group."],
  min: ["v: vector", "The smallest value of each group."],
  quantile: ["q: scalar, v: vector", "The q-quantile, of 0 to 1, over the series of each group."],
  stddev: ["v: vector", "The standard deviation of the values of each group."],
  stdvar: ["v: vector", "The variance of the values of each group."],
  sum: ["v: vector", "The sum of the series of each group."],
  topk: [
    "k: scalar, v: vector",
    "The k series with the largest values of each group, with all their labels.",
  ],
};

const FUNCTIONS: Record<string, Written> = {
  abs: ["v: vector", "The values without their sign."],
  absent: ["v: vector", "1 where there is no such series at all, and nothing where there is one."],
  absent_over_time: [
    "v: range",
    "1 where no such series had a sample in the range, and nothing where one had.",
  ],
  acos: ["v: vector", "The arc cosine, in radians."],
  acosh: ["v: vector", "The inverse hyperbolic cosine."],
  asin: ["v: vector", "The arc sine, in radians."],
  asinh: ["v: vector", "The inverse hyperbolic sine."],
  atan: ["v: vector", "The arc tangent, in radians."],
  atanh: ["v: vector", "The inverse hyperbolic tangent."],
  avg_over_time: ["v: range", "The average of the samples in the range."],
  ceil: ["v: vector", "The values rounded up to whole numbers."],
  changes: ["v: range", "How often the value changed in the range."],
  clamp: [
    "v: vector, min: scalar, max: scalar",
    "The values, none below the first bound or above the second.",
  ],
  clamp_max: ["v: vector, max: scalar", "The values, none above the bound."],
  clamp_min: ["v: vector, min: scalar", "The values, none below the bound."],
  cos: ["v: vector", "The cosine of values in radians."],
  cosh: ["v: vector", "The hyperbolic cosine."],
  count_over_time: ["v: range", "How many samples the range has."],
  day_of_month: [
    "v: vector?",
    "The day of the month, in UTC, of values that are Unix times; of now without any.",
  ],
  day_of_week: ["v: vector?", "The day of the week, in UTC, 0 for Sunday, of values that are Unix times."],
  day_of_year: ["v: vector?", "The day of the year, in UTC, of values that are Unix times."],
  days_in_month: ["v: vector?", "How many days the month has, in UTC, of values that are Unix times."],
  deg: ["v: vector", "Radians as degrees."],
  delta: ["v: range", "By how much a gauge changed over the range, extended to its edges."],
  deriv: ["v: range", "The slope of a gauge by the second, by linear regression."],
  exp: ["v: vector", "e to the power of the values."],
  first_over_time: ["v: range", "The oldest sample in the range."],
  floor: ["v: vector", "The values rounded down to whole numbers."],
  histogram_avg: ["v: vector", "The average of the observations of native histograms."],
  histogram_count: ["v: vector", "How many observations native histograms have."],
  histogram_fraction: [
    "lower: scalar, upper: scalar, b: vector",
    "Which part of the observations lies between two bounds, estimated from the buckets.",
  ],
  histogram_quantile: [
    "q: scalar, b: vector",
    "The q-quantile of observations, estimated from buckets with the label le or from native histograms.",
  ],
  histogram_stddev: [
    "v: vector",
    "The standard deviation of the observations of native histograms, estimated.",
  ],
  histogram_stdvar: ["v: vector", "The variance of the observations of native histograms, estimated."],
  histogram_sum: ["v: vector", "The sum of the observations of native histograms."],
  hour: ["v: vector?", "The hour of the day, in UTC, of values that are Unix times; of now without any."],
  idelta: ["v: range", "The difference between the last two samples of a gauge."],
  increase: ["v: range", "By how much a counter grew over the range; resets are taken into account."],
  irate: ["v: range", "How fast a counter grew between its last two samples, by the second."],
  label_join: [
    "v: vector, to: string, separator: string, from: string…",
    "Sets a label to the values of others, joined by the separator.",
  ],
  label_replace: [
    "v: vector, to: string, replacement: string, from: string, regex: string",
    "Sets a label to the replacement, with $1 and the like, where the expression matches all of another label.",
  ],
  last_over_time: ["v: range", "The newest sample in the range."],
  ln: ["v: vector", "The natural logarithm."],
  log10: ["v: vector", "The logarithm to the base of 10."],
  log2: ["v: vector", "The logarithm to the base of 2."],
  max_over_time: ["v: range", "The largest sample in the range."],
  min_over_time: ["v: range", "The smallest sample in the range."],
  minute: [
    "v: vector?",
    "The minute of the hour, in UTC, of values that are Unix times; of now without any.",
  ],
  month: ["v: vector?", "The month, 1 to 12, in UTC, of values that are Unix times; of now without any."],
  pi: ["", "The number π."],
  predict_linear: [
    "v: range, t: scalar",
    "What a gauge will be in t seconds, by linear regression over the range.",
  ],
  present_over_time: ["v: range", "1 for each series that has a sample in the range."],
  quantile_over_time: ["q: scalar, v: range", "The q-quantile, of 0 to 1, of the samples in the range."],
  rad: ["v: vector", "Degrees as radians."],
  rate: [
    "v: range",
    "How fast a counter grew by the second, on average over the range; resets are taken into account.",
  ],
  resets: ["v: range", "How often a counter began anew in the range."],
  round: [
    "v: vector, to: scalar?",
    "The values rounded to the nearest multiple of a number, of 1 where none is given.",
  ],
  scalar: [
    "v: vector",
    "The value of the only series as a scalar; NaN where there is none or more than one.",
  ],
  sgn: ["v: vector", "1, 0 or −1 by the sign of the values."],
  sin: ["v: vector", "The sine of values in radians."],
  sinh: ["v: vector", "The hyperbolic sine."],
  sort: ["v: vector", "The series with the smallest value first, in a table alone."],
  sort_desc: ["v: vector", "The series with the largest value first, in a table alone."],
  sqrt: ["v: vector", "The square root."],
  stddev_over_time: ["v: range", "The standard deviation of the samples in the range."],
  stdvar_over_time: ["v: range", "The variance of the samples in the range."],
  sum_over_time: ["v: range", "The sum of the samples in the range."],
  tan: ["v: vector", "The tangent of values in radians."],
  tanh: ["v: vector", "The hyperbolic tangent."],
  time: ["", "The time for which the query is evaluated, as Unix seconds."],
  timestamp: ["v: vector", "When the sample was taken, as Unix seconds."],
  vector: ["s: scalar", "A scalar as a series without labels."],
  year: ["v: vector?", "The year, in UTC, of values that are Unix times; of now without any."],
};

const TYPES: Record<string, Parameter["type"]> = {
  scalar: "scalar",
  string: "string",
  vector: "instant vector",
  range: "range vector",
};

export function isAggregation(name: string): boolean {
  return Object.hasOwn(AGGREGATIONS, name);
}

export const KNOWN: readonly string[] = [...Object.keys(AGGREGATIONS), ...Object.keys(FUNCTIONS)];

/** Returns what a function or aggregation takes; null where there is none of the name. */
export function signatureOf(name: string): Signature | null {
  const table = isAggregation(name) ? AGGREGATIONS : FUNCTIONS;
  const written = Object.hasOwn(table, name) ? table[name] : undefined;
  if (written === undefined) {
    return null;
  }
  const [parameters, text] = written;
  return { parameters: parameters === "" ? [] : parameters.split(", ").map(readParameter), text };
}

/** The parameter that an argument is for; null where there is none any more. */
export function parameterAt(signature: Signature, argument: number): number | null {
  const last = signature.parameters.length - 1;
  if (argument > last) {
    return signature.parameters[last]?.repeated === true ? last : null;
  }
  return argument;
}

function readParameter(text: string): Parameter {
  const [name = "", type = ""] = text.split(": ");
  return {
    name,
    type: TYPES[type.replace(/[?…]$/, "")] ?? "scalar",
    optional: type.endsWith("?"),
    repeated: type.endsWith("…"),
  };
}
