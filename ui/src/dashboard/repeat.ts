/** Repeated panels and rows: one for each chosen value of a variable, laid out as Grafana does. */

import type { Panel, Section } from "../api/dashboards";
import { single, type Chosen, type Values } from "./variables";

/** A panel in its place, with the values that hold in it. */
export interface PlacedPanel {
  /** Of its own among all panels shown. */
  key: string;
  panel: Panel;
  values: Values;
}

export interface PlacedSection {
  key: string;
  section: Section;
  values: Values;
  panels: PlacedPanel[];
}

/** How many copies of one panel or row are shown at most. */
export const MOST_COPIES = 60;

const COLUMNS = 24;

/** Lays out a dashboard's sections for the chosen values of its variables. */
export function placeSections(sections: Section[], values: Values): PlacedSection[] {
  return sections.flatMap((section) =>
    copies(section.repeat, values).map(({ key, values: own }) => {
      const name = `${String(section.id)}${key}`;
      return { key: name, section, values: own, panels: placePanels(section.panels, own, name) };
    }),
  );
}

/** Lays out a section's panels: copies beside or below each other, and each panel as far up as those above let it. */
export function placePanels(panels: Panel[], values: Values, prefix = ""): PlacedPanel[] {
  const bottoms = new Array<number>(COLUMNS).fill(0);
  const place = (panel: Panel, x: number, w: number): Panel => {
    const columns = bottoms.slice(x, x + w);
    const y = Math.max(0, ...columns);
    bottoms.fill(y + panel.grid.h, x, x + w);
    return { ...panel, grid: { x, y, w, h: panel.grid.h } };
  };
  const inOrder = panels.toSorted((a, b) => a.grid.y - b.grid.y || a.grid.x - b.grid.x);
  return inOrder.flatMap((panel) => {
    const name = `${prefix}-${String(panel.id)}`;
    const { x, w } = panel.grid;
    if (panel.repeat === null) {
      return [{ key: name, panel: place(panel, x, w), values }];
    }
    const several = copies(panel.repeat.variable, values);
    if (panel.repeat.direction === "v") {
      return several.map((copy) => ({
        key: name + copy.key,
        panel: place(panel, x, w),
        values: copy.values,
      }));
    }
    // As wide as all of a row together, one alone too.
    const perRow = Math.min(panel.repeat.max_per_row, several.length);
    const width = Math.max(1, Math.floor(COLUMNS / perRow));
    return several.map((copy, i) => ({
      key: name + copy.key,
      panel: place(panel, (i % perRow) * width, width),
      values: copy.values,
    }));
  });
}

/** Returns the values for each copy: one for each chosen value, or the same once where nothing is repeated. */
function copies(variable: string, values: Values): { key: string; values: Values }[] {
  const chosen = values.get(variable);
  if (variable === "" || chosen === undefined || chosen.values.length === 0) {
    return [{ key: "", values }];
  }
  return chosen.values.slice(0, MOST_COPIES).map((value, i) => ({
    key: `-${value}`,
    values: new Map([...values, [variable, one(chosen, value, i)]]),
  }));
}

/** Returns the variables with more chosen values than are shown as copies, and how many those are. */
export function cutRepeats(sections: Section[], values: Values): { variable: string; values: number }[] {
  const names = new Set(
    sections.flatMap((one) => [one.repeat, ...one.panels.map((panel) => panel.repeat?.variable ?? "")]),
  );
  return [...names].flatMap((variable) => {
    const count = values.get(variable)?.values.length ?? 0;
    return variable !== "" && count > MOST_COPIES ? [{ variable, values: count }] : [];
  });
}

function one(chosen: Chosen, value: string, index: number): Chosen {
  return single({ value, text: chosen.texts[index] ?? value }, chosen.many);
}
