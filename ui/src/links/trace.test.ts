import { expect, test } from "vitest";

import { traceHref } from "./trace";

test.each([
  ["ab12", "", "/trace/ab12"],
  ["ab12", "cd34", "/trace/ab12?span=cd34"],
  ["a/b", "?x", "/trace/a%2Fb?span=%3Fx"],
])("the trace %s at the span %j is at %s", (traceId, spanId, address) => {
  expect(traceHref(traceId, spanId)).toBe(address);
});
