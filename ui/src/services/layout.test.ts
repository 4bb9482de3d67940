import { describe, expect, it } from "vitest";

import { type Graph, edgeId, type Node } from "./graph";
import { covers, makeLayout, NODE_HEIGHT, NODE_WIDTH, type Point, smooth } from "./layout";

function graph(names: string[], calls: [string, string][]): Graph {
  const node = (id: string): Node => ({
    id,
    name: id,
    type: "service",
    figures: null,
    calls: 1,
    errors: 0,
    p50_ms: 1,
    p95_ms: 1,
  });
  return {
    nodes: new Map(names.map((name) => [name, node(name)])),
    edges: calls.map(([from, to]) => ({
      id: edgeId(from, to),
      from,
      to,
      calls: 1,
      errors: 0,
      p50_ms: 1,
      p95_ms: 1,
    })),
  };
}

function at(places: Map<string, Point>, id: string): Point {
  return places.get(id) ?? { x: NaN, y: NaN };
}

function overlaps(places: Map<string, { x: number; y: number }>): string[] {
  const all = [...places];
  return all.flatMap(([a, p], i) =>
    all
      .slice(i + 1)
      .filter(([, q]) => Math.abs(p.x - q.x) < NODE_WIDTH && Math.abs(p.y - q.y) < NODE_HEIGHT)
      .map(([b]) => `${a} ${b}`),
  );
}

describe("makeLayout", () => {
  it("has callers to the left of those they call", () => {
    const { nodes } = makeLayout(
      graph(
        ["a", "b", "c"],
        [
          ["a", "b"],
          ["b", "c"],
          ["a", "c"],
        ],
      ),
    );
    expect(at(nodes, "a").x).toBeLessThan(at(nodes, "b").x);
    expect(at(nodes, "b").x).toBeLessThan(at(nodes, "c").x);
  });

  it("has them above where it goes down", () => {
    const { nodes } = makeLayout(graph(["a", "b"], [["a", "b"]]), true);
    expect(at(nodes, "a").y).toBeLessThan(at(nodes, "b").y);
  });

  it("draws a ring and a service that calls itself", () => {
    const ring = graph(
      ["a", "b"],
      [
        ["a", "b"],
        ["b", "a"],
        ["a", "a"],
      ],
    );
    const layout = makeLayout(ring);
    expect(covers(layout, ring)).toBe(true);
    expect([...layout.edges.values()].every((edge) => edge.path.startsWith("M"))).toBe(true);
  });

  it("places what calls nobody below, each for itself", () => {
    const layout = makeLayout(graph(["a", "b", "c", "d", "e", "f"], [["a", "b"]]));
    expect(layout.nodes.size).toBe(6);
    expect(overlaps(layout.nodes)).toEqual([]);
    expect(at(layout.nodes, "c").y).toBeGreaterThan(at(layout.nodes, "a").y);
    const lone = makeLayout(graph(["a"], []));
    expect(at(lone.nodes, "a").x + NODE_WIDTH / 2).toBeLessThanOrEqual(lone.width);
  });

  it("lays out hundreds of services without laying any over another", () => {
    const names = Array.from({ length: 300 }, (_, i) => `s${String(i)}`);
    const calls = names.slice(1).map((name, i): [string, string] => [`s${String(Math.floor(i / 3))}`, name]);
    const layout = makeLayout(graph(names, [...calls, ["s299", "s0"]]));
    expect(layout.labels).toBe(false);
    expect(overlaps(layout.nodes)).toEqual([]);
  });

  it("stays for a part of what it has, and not for more", () => {
    const whole = graph(["a", "b"], [["a", "b"]]);
    const layout = makeLayout(whole);
    expect(covers(layout, graph(["a"], []))).toBe(true);
    expect(covers(layout, graph(["a", "b", "c"], []))).toBe(false);
    expect(covers(layout, graph(["a", "b"], [["b", "a"]]))).toBe(false);
  });
});

it("draws a path through all its points, in the direction of the layout", () => {
  const points = [
    { x: 0, y: 0 },
    { x: 10, y: 4 },
    { x: 20, y: 10 },
  ];
  expect(smooth(points, false)).toBe("M0.0 0.0C5.0 0.0 5.0 4.0 10.0 4.0C15.0 4.0 15.0 10.0 20.0 10.0");
  expect(smooth(points.slice(0, 2), true)).toBe("M0.0 0.0C0.0 2.0 10.0 2.0 10.0 4.0");
  expect(smooth([], false)).toBe("");
});
