/** The map of services: what is in it, what of it is shown, and how it looks. */

import type { PeerType, ServiceFigures, ServiceGraph } from "../api/services";

export interface Node {
  /** The service's name, or that of what is called, with its type in front. */
  id: string;
  name: string;
  type: "service" | PeerType;
  /** Null of what sends no spans itself. */
  figures: ServiceFigures | null;
  /** Calls, or requests where they are known. */
  calls: number;
  errors: number;
  p50_ms: number | null;
  p95_ms: number | null;
}

export interface Edge {
  id: string;
  from: string;
  to: string;
  calls: number;
  errors: number;
  p50_ms: number;
  p95_ms: number;
}

export interface Graph {
  nodes: Map<string, Node>;
  edges: Edge[];
}

export interface MapFilter {
  /** Part of a name. */
  text: string;
  /** Calls a second. */
  minRate: number;
  errorsOnly: boolean;
}

export function makeGraph(told: ServiceGraph): Graph {
  const nodes = new Map<string, Node>();
  const figures = new Map(told.figures.map((one) => [one.service, one]));
  for (const name of told.services) {
    const own = figures.get(name) ?? null;
    nodes.set(name, {
      id: name,
      name,
      type: "service",
      figures: own,
      calls: own?.requests ?? 0,
      errors: own?.errors ?? 0,
      p50_ms: own?.p50_ms ?? null,
      p95_ms: own?.p95_ms ?? null,
    });
  }
  const edges: Edge[] = told.edges.map(({ caller, callee, ...rest }) => ({
    ...rest,
    id: edgeId(caller, callee),
    from: caller,
    to: callee,
  }));
  for (const { caller, peer, type, ...rest } of told.peers) {
    const id = `${type}: ${peer}`;
    const node = nodes.get(id) ?? {
      id,
      name: peer,
      type,
      figures: null,
      calls: 0,
      errors: 0,
      p50_ms: null,
      p95_ms: null,
    };
    // Percentiles do not add up: the greatest of those who call it is told.
    nodes.set(id, {
      ...node,
      calls: node.calls + rest.calls,
      errors: node.errors + rest.errors,
      p50_ms: Math.max(node.p50_ms ?? 0, rest.p50_ms),
      p95_ms: Math.max(node.p95_ms ?? 0, rest.p95_ms),
    });
    edges.push({ ...rest, id: edgeId(caller, id), from: caller, to: id });
  }
  return { nodes, edges };
}

export function edgeId(from: string, to: string): string {
  return `${from}\u0000${to}`;
}

/**
 * Returns what of the graph a filter leaves.
 *
 * An edge stays that is often enough used (and has errors); a service that the text names stays with its neighbours.
 */
export function filterGraph(graph: Graph, filter: MapFilter, seconds: number): Graph {
  const text = filter.text.trim().toLowerCase();
  const narrowed = filter.minRate > 0 || filter.errorsOnly;
  const named = (id: string): boolean => text === "" || id.toLowerCase().includes(text);
  const edges = graph.edges.filter(
    (edge) =>
      edge.calls / seconds >= filter.minRate &&
      (!filter.errorsOnly || edge.errors > 0) &&
      (named(edge.from) || named(edge.to)),
  );
  const kept = new Set(edges.flatMap((edge) => [edge.from, edge.to]));
  for (const node of graph.nodes.values()) {
    const fits =
      !narrowed || (node.calls / seconds >= filter.minRate && (!filter.errorsOnly || node.errors > 0));
    if (fits && named(node.id)) {
      kept.add(node.id);
    }
  }
  return { nodes: new Map([...graph.nodes].filter(([id]) => kept.has(id))), edges };
}

/** Returns a node and those that it calls or is called by. */
export function neighbourhood(graph: Graph, id: string): Set<string> {
  const found = new Set([id]);
  for (const edge of graph.edges) {
    if (edge.from === id) {
      found.add(edge.to);
    }
    if (edge.to === id) {
      found.add(edge.from);
    }
  }
  return found;
}

export type Tone = "good" | "warn" | "bad" | "none";

/** Tells how a share of errors looks: few are below one of a hundred, many five or more. */
export function toneOf(calls: number, errors: number): Tone {
  if (calls === 0) {
    return "none";
  }
  const share = errors / calls;
  return share < 0.01 ? "good" : share < 0.05 ? "warn" : "bad";
}

/** Returns the width in pixels of an edge by its calls beside the most that one has. */
export function edgeWidth(calls: number, most: number): number {
  return 1 + Math.sqrt(calls / Math.max(most, 1)) * 2.5;
}

/** Returns the next node in a direction from one, by where they stand; null where there is none. */
export function nextNode(
  places: ReadonlyMap<string, { x: number; y: number }>,
  from: string,
  direction: "left" | "right" | "up" | "down",
): string | null {
  const here = places.get(from);
  if (here === undefined) {
    return null;
  }
  let best: string | null = null;
  let least = Infinity;
  for (const [id, { x, y }] of places) {
    const [along, across] = {
      left: [here.x - x, y - here.y],
      right: [x - here.x, y - here.y],
      up: [here.y - y, x - here.x],
      down: [y - here.y, x - here.x],
    }[direction] as [number, number];
    // Twice as far aside as ahead is another direction.
    const distance = along + Math.abs(across) * 2;
    if (along > 1 && distance < least) {
      [best, least] = [id, distance];
    }
  }
  return best;
}
