/** Where what a panel asks is looked into: its queries in Explore, its lines among the logs. */

import type { Panel } from "../api/dashboards";
import { readPane, writePane } from "../explore/state";
import { rangeParams, type TimeRange } from "../time/range";
import type { Loaded } from "./load";

/** Returns the address with the variables filled in; null where a panel asks for neither. */
export function exploredHref(
  panel: Pick<Panel, "field" | "time_from" | "time_shift">,
  { shown, queries, searches }: Pick<Loaded, "shown" | "queries" | "searches">,
  range: TimeRange,
): string | null {
  const none = new URLSearchParams();
  const own = panel.time_from !== "" || panel.time_shift !== "";
  const time = Object.entries(rangeParams(own ? { kind: "between", ...shown } : range));
  const address = (path: string, params: URLSearchParams): string => {
    for (const [name, value] of time) {
      if (value !== null) {
        params.set(name, value);
      }
    }
    return `${path}?${params.toString()}`;
  };
  if (queries.length > 0) {
    const asked = queries.map(({ expr, legend }) => ({ expr, legend, hidden: false }));
    const pane = { ...readPane(none, ""), queries: asked, unit: panel.field.unit };
    return address("/explore", writePane(none, "", pane));
  }
  const [search] = searches;
  return search === undefined ? null : address("/logs", new URLSearchParams({ query: search }));
}
