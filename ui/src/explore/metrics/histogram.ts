/** The buckets of a native histogram as bars. */

import type { NativeHistogram } from "../../api/metrics";

export interface Bar {
  lower: string;
  upper: string;
  open: "(" | "[";
  close: ")" | "]";
  count: string;
  /** Of the highest bar, 0 to 1. */
  height: number;
}

/** Which of its bounds belong to a bucket, as the API tells it: right, left, none, both. */
const BOUNDS: readonly ["(" | "[", ")" | "]"][] = [
  ["(", "]"],
  ["[", ")"],
  ["(", ")"],
  ["[", "]"],
];

export function histogramBars(histogram: NativeHistogram): Bar[] {
  const buckets = histogram.buckets ?? [];
  const most = Math.max(0, ...buckets.map(([, , , count]) => Number(count)));
  return buckets.map(([bounds, lower, upper, count]) => {
    const [open, close] = BOUNDS[bounds] ?? ["(", ")"];
    return { lower, upper, open, close, count, height: most > 0 ? Number(count) / most : 0 };
  });
}
