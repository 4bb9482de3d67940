/** Dashboards and panels for tests. */

import type { Dashboard, Panel } from "../api/dashboards";

export function dashboardOf(more: Partial<Dashboard> = {}): Dashboard {
  return {
    uid: "u",
    title: "Board",
    description: "",
    tags: [],
    time_factor: 1,
    scrape_interval: 15,
    default_range_ms: 3_600_000,
    refresh_ms: null,
    tooltip: "off",
    variables: [],
    annotations: [],
    links: [],
    sections: [],
    unsupported: [],
    ...more,
  };
}

/** A panel with what the layout and the queries of one look at. */
export function panelOf(id: number, grid: Panel["grid"], more: Partial<Panel> = {}): Panel {
  return {
    id,
    type: "timeseries",
    title: String(id),
    description: "",
    transparent: false,
    grid,
    repeat: null,
    links: [],
    interval: "",
    max_data_points: null,
    time_from: "",
    time_shift: "",
    hide_time_override: false,
    targets: [],
    transformations: [],
    field: {} as Panel["field"],
    overrides: [],
    options: {} as Panel["options"],
    unsupported: [],
    ...more,
  };
}
