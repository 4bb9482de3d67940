/** Where the nodes and edges of the map stand; the one place that knows dagre. */

import { Graph as DagreGraph, layout as arrange } from "@dagrejs/dagre";

import type { Graph } from "./graph";

export const NODE_WIDTH = 176;
export const NODE_HEIGHT = 62;
export const LABEL_WIDTH = 132;
export const LABEL_HEIGHT = 32;
/** Beyond so many edges their figures are shown where the pointer or the focus is: all would hide each other. */
const MOST_LABELS = 60;
/** Beyond so many nodes an exact ranking takes seconds. */
const MANY_NODES = 120;
const MARGIN = 16;

export interface Point {
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  /** The middle of each node. */
  nodes: Map<string, Point>;
  edges: Map<string, { path: string; label: Point }>;
  /** Whether there is room for the figures of all edges. */
  labels: boolean;
}

/**
 * Lays the graph out from left to right, or down where there is more room, callers before those they call.
 *
 * What neither calls nor is called stands below.
 */
export function makeLayout(graph: Graph, down = false): Layout {
  const labels = graph.edges.length <= MOST_LABELS;
  const joined = new Set(graph.edges.flatMap((edge) => [edge.from, edge.to]));
  const drawn = new DagreGraph({ directed: true });
  drawn.setGraph({
    rankdir: down ? "TB" : "LR",
    nodesep: down ? 18 : 26,
    edgesep: 14,
    ranksep: labels ? (down ? 18 : 24) : 70,
    marginx: MARGIN,
    marginy: MARGIN,
    ranker: joined.size > MANY_NODES ? "longest-path" : "network-simplex",
  });
  drawn.setDefaultEdgeLabel(() => ({}));
  for (const id of joined) {
    drawn.setNode(id, { width: NODE_WIDTH, height: NODE_HEIGHT });
  }
  const size = labels ? { width: LABEL_WIDTH, height: LABEL_HEIGHT } : { width: 1, height: 1 };
  for (const edge of graph.edges) {
    drawn.setEdge(edge.from, edge.to, { ...size, labelpos: "c" });
  }
  const found: Layout = { width: 0, height: 0, nodes: new Map(), edges: new Map(), labels };
  if (joined.size > 0) {
    arrange(drawn);
    const { width, height } = drawn.graph() as { width: number; height: number };
    Object.assign(found, { width, height });
    for (const id of joined) {
      const { x, y } = drawn.node(id) as Point;
      found.nodes.set(id, { x, y });
    }
    for (const edge of graph.edges) {
      const { points, x, y } = drawn.edge(edge.from, edge.to) as { points: Point[] } & Point;
      found.edges.set(edge.id, { path: smooth(points, down), label: { x, y } });
    }
  }
  placeAlone(
    found,
    [...graph.nodes.keys()].filter((id) => !joined.has(id)),
  );
  return found;
}

/** Places what neither calls nor is called in rows below the others. */
function placeAlone(layout: Layout, ids: string[]): void {
  if (ids.length === 0) {
    return;
  }
  const step = { x: NODE_WIDTH + 26, y: NODE_HEIGHT + 22 };
  const fits = Math.floor((layout.width - MARGIN) / step.x);
  const perRow = Math.max(fits, Math.min(ids.length, Math.max(4, Math.ceil(Math.sqrt(ids.length)))));
  const top = layout.height > 0 ? layout.height + 12 : MARGIN;
  ids.forEach((id, i) => {
    layout.nodes.set(id, {
      x: MARGIN + NODE_WIDTH / 2 + (i % perRow) * step.x,
      y: top + NODE_HEIGHT / 2 + Math.floor(i / perRow) * step.y,
    });
  });
  const rows = Math.ceil(ids.length / perRow);
  layout.width = Math.max(layout.width, MARGIN * 2 + Math.min(ids.length, perRow) * step.x - 26);
  layout.height = top + rows * step.y - 22 + MARGIN;
}

/** Returns a path that passes through points, and at each of them in the direction of the layout. */
export function smooth(points: Point[], down: boolean): string {
  const [first, ...rest] = points;
  if (first === undefined) {
    return "";
  }
  let path = `M${first.x.toFixed(1)} ${first.y.toFixed(1)}`;
  let from = first;
  for (const to of rest) {
    const [x, y] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
    const [leaves, comes] = down
      ? [
          [from.x, y],
          [to.x, y],
        ]
      : [
          [x, from.y],
          [x, to.y],
        ];
    path += `C${[...leaves, ...comes, to.x, to.y].map((one) => one.toFixed(1)).join(" ")}`;
    from = to;
  }
  return path;
}

/** Tells whether a layout has a place for all of a graph, so that it can stay. */
export function covers(layout: Layout, graph: Graph): boolean {
  return (
    [...graph.nodes.keys()].every((id) => layout.nodes.has(id)) &&
    graph.edges.every((edge) => layout.edges.has(edge.id))
  );
}
