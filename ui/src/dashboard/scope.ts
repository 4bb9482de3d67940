/** What a panel takes from the dashboard around it. */

import type { Dashboard } from "../api/dashboards";

/** Values of variables of a place, such as those of a series in a data link; they win over the dashboard's. */
export type Values = Record<string, string>;

export interface Scope {
  /** Fills the variables of a text that is shown, or of an address. */
  text: (text: string, more?: Values) => string;
  /** Fills the variables of a query: several values become an alternation, each escaped. */
  query: (text: string, more?: Values) => string;
  /** Changes whenever one of the variables does. */
  key: string;
  timeFactor: number;
  /** Seconds between two scrapes. */
  scrapeInterval: number;
  tooltip: Dashboard["tooltip"];
}

/** Where there is no dashboard: texts stay as they are. */
export const NO_SCOPE: Scope = {
  text: (text) => text,
  query: (text) => text,
  key: "",
  timeFactor: 1,
  scrapeInterval: 15,
  tooltip: "off",
};
