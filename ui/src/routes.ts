/** The page's views by their address; each is loaded when it is first opened. `api/page.py` has the same list. */

import type { Component } from "svelte";

import { getTraceAhead } from "./api/traces";

type Module<Props extends Record<string, unknown>> = Promise<{ default: Component<Props> }>;

/** A view that is ready to be shown. */
export interface View {
  component: Component<Record<string, unknown>>;
  props: Record<string, unknown>;
}

interface Route {
  /** The parts of the path; one that begins with a colon is given to the view as the property of that name. */
  path: string;
  load: () => Module<never>;
  props?: Record<string, unknown>;
  /** Asks for what the view will show while its files are loaded. */
  ahead?: (given: Record<string, string>) => void;
}

const ROUTES: Route[] = [
  { path: "/", load: () => import("./views/Overview.svelte"), props: { uid: null } },
  { path: "/d/:uid", load: () => import("./views/Overview.svelte") },
  // As Grafana's addresses are, whose last part is only there to be read.
  { path: "/d/:uid/:slug", load: () => import("./views/Overview.svelte") },
  { path: "/open", load: () => import("./views/Overview.svelte"), props: { uid: null, fromFile: true } },
  { path: "/explore", load: () => import("./views/Explore.svelte") },
  { path: "/traces", load: () => import("./views/TraceSearch.svelte") },
  {
    path: "/trace/:traceId",
    load: () => import("./views/TraceView.svelte"),
    ahead: ({ traceId = "" }) => {
      getTraceAhead(traceId);
    },
  },
  { path: "/logs", load: () => import("./views/Logs.svelte") },
  { path: "/alerts", load: () => import("./views/AlertList.svelte") },
  { path: "/alerts/:name", load: () => import("./views/AlertView.svelte") },
  { path: "/silences", load: () => import("./views/Silences.svelte") },
  { path: "/playbooks", load: () => import("./views/Playbooks.svelte"), props: { name: null } },
  { path: "/playbooks/:name", load: () => import("./views/Playbooks.svelte") },
  { path: "/start", load: () => import("./views/Start.svelte") },
  { path: "/compare", load: () => import("./views/Compare.svelte") },
  { path: "/services", load: () => import("./views/Services.svelte") },
  { path: "/status", load: () => import("./views/Status.svelte") },
];

/** Returns the parts of a path, decoded. */
export function parts(path: string): string[] {
  return path
    .split("/")
    .filter((part) => part !== "")
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}

/** Loads the view of a path, or the one that says that there is none. Rejects where it cannot be loaded. */
export async function loadView(path: string): Promise<View> {
  const given = parts(path);
  for (const route of ROUTES) {
    const props = match(parts(route.path), given);
    if (props !== null) {
      route.ahead?.(props);
      return {
        component: (await route.load()).default as View["component"],
        props: { ...route.props, ...props },
      };
    }
  }
  return { component: (await import("./views/NotFound.svelte")).default as View["component"], props: {} };
}

function match(pattern: string[], given: string[]): Record<string, string> | null {
  if (pattern.length !== given.length) {
    return null;
  }
  const props: Record<string, string> = {};
  for (const [i, part] of pattern.entries()) {
    const text = given[i] ?? "";
    if (part.startsWith(":")) {
      props[part.slice(1)] = text;
    } else if (part !== text) {
      return null;
    }
  }
  return props;
}
