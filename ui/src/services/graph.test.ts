import { describe, expect, it } from "vitest";

import type { ServiceGraph } from "../api/services";
import { edgeId, edgeWidth, filterGraph, makeGraph, neighbourhood, nextNode, toneOf } from "./graph";

const figures = (service: string, requests: number, errors = 0) => ({
  service,
  spans: requests * 2,
  requests,
  errors,
  p50_ms: 1,
  p95_ms: 2,
  p99_ms: 3,
  operations: 1,
  last_ms: 0,
});
const call = (caller: string, callee: string, calls: number, errors = 0) => ({
  caller,
  callee,
  calls,
  errors,
  p50_ms: 1,
  p95_ms: 2,
});

const TOLD: ServiceGraph = {
  services: ["gateway", "orders", "stock"],
  figures: [figures("gateway", 100), figures("orders", 60, 6)],
  edges: [call("gateway", "orders", 60, 6), call("orders", "stock", 10), call("stock", "orders", 1)],
  peers: [
    { caller: "orders", peer: "orders-db", type: "database", calls: 30, errors: 0, p50_ms: 4, p95_ms: 9 },
    { caller: "stock", peer: "orders-db", type: "database", calls: 5, errors: 1, p50_ms: 6, p95_ms: 7 },
  ],
  truncated: false,
};
const GRAPH = makeGraph(TOLD);
const ALL = { text: "", minRate: 0, errorsOnly: false };
const names = (filter: Partial<typeof ALL>): string[] =>
  [...filterGraph(GRAPH, { ...ALL, ...filter }, 10).nodes.keys()].sort();

describe("makeGraph", () => {
  it("has a service without figures, and one node for what several call", () => {
    expect(GRAPH.nodes.get("stock")).toMatchObject({ figures: null, calls: 0 });
    expect(GRAPH.nodes.get("database: orders-db")).toMatchObject({
      name: "orders-db",
      type: "database",
      calls: 35,
      errors: 1,
      p50_ms: 6,
      p95_ms: 9,
    });
    expect(GRAPH.edges.map((edge) => edge.id)).toContain(edgeId("stock", "database: orders-db"));
  });

  it("tells a peer from a service of its name", () => {
    const graph = makeGraph({
      ...TOLD,
      peers: TOLD.peers.map((one) => ({ ...one, peer: "stock" })),
    });
    expect(graph.nodes.get("stock")?.type).toBe("service");
    expect(graph.nodes.get("database: stock")?.type).toBe("database");
  });
});

describe("filterGraph", () => {
  it("keeps all without a filter", () => {
    expect(names({})).toHaveLength(4);
  });

  it("keeps what a text names, with its neighbours", () => {
    expect(names({ text: "GATE" })).toEqual(["gateway", "orders"]);
  });

  it("keeps what is used often enough", () => {
    expect(names({ minRate: 5 })).toEqual(["gateway", "orders"]);
  });

  it("keeps what failed", () => {
    expect(names({ errorsOnly: true })).toEqual(["database: orders-db", "gateway", "orders", "stock"]);
    expect(filterGraph(GRAPH, { ...ALL, errorsOnly: true }, 10).edges).toHaveLength(2);
  });
});

it("finds neighbours in both directions", () => {
  expect([...neighbourhood(GRAPH, "stock")].sort()).toEqual(["database: orders-db", "orders", "stock"]);
});

it("colours by the share of errors", () => {
  expect([toneOf(0, 0), toneOf(1000, 9), toneOf(100, 4), toneOf(100, 5)]).toEqual([
    "none",
    "good",
    "warn",
    "bad",
  ]);
});

it("draws what is used more often thicker, within bounds", () => {
  expect(edgeWidth(0, 0)).toBe(1);
  expect(edgeWidth(1000, 1000)).toBe(3.5);
  expect(edgeWidth(10, 1000)).toBeLessThan(edgeWidth(100, 1000));
});

it("goes to the node that lies in a direction", () => {
  const places = new Map([
    ["a", { x: 0, y: 0 }],
    ["b", { x: 100, y: 10 }],
    ["c", { x: 40, y: 200 }],
  ]);
  expect(nextNode(places, "a", "right")).toBe("b");
  expect(nextNode(places, "a", "down")).toBe("b");
  expect(nextNode(places, "b", "left")).toBe("a");
  expect(nextNode(places, "a", "up")).toBeNull();
});
