/** The dashboards, as the server reads them from Grafana's files. Times are Unix milliseconds unless said otherwise. */

import { OWN, get } from "./http";

export interface DashboardEntry {
  uid: string;
  title: string;
}

export interface Dashboard extends DashboardEntry {
  description: string;
  default_range_ms: number;
  refresh_ms: number | null;
  panels: Panel[];
  unsupported?: string[];
}

export interface Panel {
  id: number;
  title: string;
  description: string;
  type: string;
  grid: { x: number; y: number; w: number; h: number };
  unit: string;
  decimals: number | null;
  min: number | null;
  max: number | null;
  thresholds: Threshold[];
  threshold_style: "off" | "line" | "area" | "line+area";
  legend: boolean;
  stack: boolean;
  line_width: number;
  fill_opacity: number;
  sparkline: boolean;
  mappings: ValueMapping[];
  no_value: string | null;
  calc: string;
  content: string;
  targets: Target[];
  unsupported: string[];
}

export interface Threshold {
  value: number | null;
  color: string;
}

export interface ValueMapping {
  value: string;
  text: string | null;
  color: string | null;
}

export interface Target {
  ref_id: string;
  expr: string;
  query: string | null;
  legend_format: string;
}

export function getDashboards(signal: AbortSignal): Promise<DashboardEntry[]> {
  return get(`${OWN}/dashboards`, {}, signal);
}

export function getDashboard(uid: string, signal: AbortSignal): Promise<Dashboard> {
  return get(`${OWN}/dashboards/${encodeURIComponent(uid)}`, {}, signal);
}
