import { describe, expect, it } from "vitest";

import { aroundLine, correlationQuery } from "./correlation";

describe("a correlation id", () => {
  it("is looked for as it is, and as the UUID that it may be", () => {
    expect(correlationQuery("9fbbc65a1c4f40d28ba0d6852c9d4352")).toBe(
      'correlation_id: ("9fbbc65a1c4f40d28ba0d6852c9d4352" or "9fbbc65a-1c4f-40d2-8ba0-d6852c9d4352")',
    );
    expect(correlationQuery("b7ad6b7169203331")).toBe('correlation_id: ("b7ad6b7169203331")');
  });

  it("leads to the lines of half an hour on either side", () => {
    expect(aroundLine({ correlation_id: "a-1", time_ms: 1_800_000.5 })).toBe(
      "correlation_id=a-1&from=0&to=3600001",
    );
  });
});
