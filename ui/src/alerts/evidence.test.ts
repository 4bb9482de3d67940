import { describe, expect, it } from "vitest";

import type { Rule } from "../api/alerts";
import { evidenceOf, limitOf } from "./evidence";
import { aRule } from "./made";

const SERVICES = [{ name: "shop", operations: [] }];

describe("evidenceOf", () => {
  it("is about slowness where the condition watches a histogram of durations, whatever the rule is called", () => {
    const evidence = (name: string, histogram: Rule["histogram"], limit: number | null) =>
      evidenceOf(aRule({ name, graph_query: "a:b", histogram }), {}, limit, []);
    const seconds = { metric: "http_request_duration_seconds", query: "", bound: null };
    expect(evidence("A", seconds, 1.5)).toMatchObject({ kind: "slow", slowMs: 1500 });
    expect(evidence("HighErrorRate", seconds, 1.5).kind).toBe("slow");
    expect(evidence("A", { ...seconds, metric: "rpc_ms" }, 20).slowMs).toBe(20);
    expect(evidence("A", seconds, null).slowMs).toBeNull();
    // What is counted is what exceeds the bound, not the share of it.
    expect(evidence("A", { ...seconds, bound: 0.5 }, 0.05)).toMatchObject({ kind: "slow", slowMs: 500 });
    expect(evidence("A", { metric: "http_response_size_bytes", query: "", bound: null }, 9)).toMatchObject({
      kind: "all",
      slowMs: null,
    });
  });

  it("is about errors or slowness else as the rule's name or its metrics read", () => {
    const kind = (name: string, graph_query: string): string =>
      evidenceOf(aRule({ name, graph_query }), {}, null, []).kind;
    expect(kind("HighErrorRate", "a / b")).toBe("error");
    expect(kind("SlowResponseTime", "http_errors")).toBe("slow");
    expect(kind("A", "rate(http_requests_failed_total[5m])")).toBe("error");
    expect(kind("A", "http_request_duration_seconds:mean5m")).toBe("slow");
    expect(kind("DiskFull", "disk_bytes")).toBe("all");
  });

  it("is slow from the limit on, where the value has a unit of time", () => {
    const rule = aRule({ graph_query: "http_duration_seconds" });
    expect(evidenceOf(rule, {}, 0.5, []).slowMs).toBe(500);
    expect(evidenceOf(rule, {}, null, []).slowMs).toBeNull();
    expect(evidenceOf(rule, {}, 0, []).slowMs).toBeNull();
    expect(evidenceOf(aRule({ graph_query: "queue_length" }), {}, 2, []).slowMs).toBeNull();
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
    expect(evidenceOf(aRule(), { http_route: "/y", route: "/x" }, null, []).attributes).toEqual([
      "http.route=/y",
    ]);
  });

  it("is narrowed by what the conventions call alike in metrics and in spans", () => {
    const labels = {
      service: "shop",
      http_request_method: "POST",
      http_response_status_code: "503",
      zone: "a",
    };
    expect(evidenceOf(aRule(), labels, null, []).attributes).toEqual([
      "http.request.method=POST",
      "http.response.status_code=503",
    ]);
    expect(evidenceOf(aRule(), { "rpc.method": "Pay", error_type: "" }, null, []).attributes).toEqual([
      "rpc.method=Pay",
    ]);
  });
});

describe("limitOf", () => {
  it("is that of the labels", () => {
    const result = [
      { metric: { service: "mail", route: "/" }, value: [0, "5"] as [number, string] },
      { metric: { service: "shop", route: "/" }, value: [0, "2"] as [number, string] },
    ];
    const data = { resultType: "vector" as const, result };
    expect(limitOf(data, { alertname: "A", service: "shop", route: "/" })).toBe(2);
    expect(limitOf(data, { service: "other" })).toBeNull();
    expect(limitOf({ resultType: "scalar", result: [0, "3"] }, {})).toBe(3);
    expect(limitOf({ resultType: "scalar", result: [0, "NaN"] }, {})).toBeNull();
  });
});
