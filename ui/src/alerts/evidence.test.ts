import { describe, expect, it } from "vitest";

import { evidenceOf } from "./evidence";
import { aRule } from "./made";

const SERVICES = [{ name: "shop", operations: [] }];

describe("evidenceOf", () => {
  it("is about errors or slowness as the rule's name or expression reads", () => {
    const kind = (name: string, graph_query: string): string =>
      evidenceOf(aRule({ name, graph_query }), {}, null, []).kind;
    expect(kind("HighErrorRate", "a / b")).toBe("error");
    expect(kind("SlowResponseTime", "http_errors")).toBe("slow");
    expect(kind("A", "rate(http_requests_failed_total[5m])")).toBe("error");
    expect(kind("A", "histogram_quantile(0.9, x_seconds_bucket)")).toBe("slow");
    expect(kind("DiskFull", "disk_bytes")).toBe("all");
  });

  it("is slow from the threshold on, or from the value where that is no number", () => {
    const rule = aRule({ graph_query: "http_duration_seconds", threshold: 0.5 });
    expect(evidenceOf(rule, {}, 2, []).slowMs).toBe(500);
    expect(evidenceOf({ ...rule, threshold: null }, {}, 2, []).slowMs).toBe(2000);
    expect(evidenceOf({ ...rule, threshold: null }, {}, null, []).slowMs).toBeNull();
    expect(evidenceOf(aRule({ graph_query: "queue_length", threshold: 5 }), {}, 2, []).slowMs).toBeNull();
  });

  it("is of the service that the labels name", () => {
    const service = (labels: Record<string, string>): string =>
      evidenceOf(aRule(), labels, null, SERVICES).service;
    expect(service({ service: "shop" })).toBe("shop");
    expect(service({ job: "prod/shop" })).toBe("shop");
    expect(service({ service: "cart", job: "shop" })).toBe("shop");
    expect(service({ service: "cart" })).toBe("cart");
    expect(service({ job: "node" })).toBe("");
  });

  it("is of the route that the labels name", () => {
    expect(evidenceOf(aRule(), { route: "/x" }, null, []).attributes).toEqual(["http.route=/x"]);
  });
});
