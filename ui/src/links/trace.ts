/** Where a trace is on this page, and a span in it. */

/** Returns the address of a trace, opened at a span where its id is not "". */
export function traceHref(traceId: string, spanId = ""): string {
  const span = spanId === "" ? "" : `?span=${encodeURIComponent(spanId)}`;
  return `/trace/${encodeURIComponent(traceId)}${span}`;
}
