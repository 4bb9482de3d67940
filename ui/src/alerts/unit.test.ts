import { describe, expect, it } from "vitest";

import { aRule } from "./made";
import { unitOf } from "./unit";

describe("unitOf", () => {
  it.each([
    ["{{ $value | humanizePercentage }} failed", "a / b", "percentunit"],
    ["{{ $value | humanizeDuration }}", "a", "s"],
    ["{{ $value | humanize1024 }}B", "a", "bytes"],
    ['{{ $value | printf "%.1f" }}% used', "a", "percent"],
    ["{{ $value }}% used", "a", "percent"],
    ["{{ $value }} things", "process_resident_memory_bytes", "bytes"],
    ["", 'node_filesystem_avail_bytes{mountpoint="/"}', "bytes"],
    ["", "max by (job) (queue_age_seconds)", "s"],
    ["", "rate(process_cpu_seconds_total[5m])", "short"],
    ["", "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "short"],
    ["", 'disk_used_ratio{path="/a-b/c"}', "percentunit"],
    ["", "count(up_seconds)", "short"],
    ["", "vector(1)", "short"],
  ])("of %j and %j is %j", (text, graph_query, unit) => {
    expect(unitOf(aRule({ annotations: { description: text }, graph_query }))).toBe(unit);
  });

  it("is that of the histogram of which it is a quantile or the mean", () => {
    const unit = (bound: number | null): string =>
      unitOf(
        aRule({
          annotations: {},
          graph_query: "job:request_duration:p95",
          histogram: { metric: "request_duration_seconds", query: "", bound },
        }),
      );
    expect(unit(null)).toBe("s");
    // A share of requests.
    expect(unit(0.5)).toBe("short");
  });
});
