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

/** Lays out a section's panels: what is below a repeated one moves down by what it grew. */
export function placePanels(panels: Panel[], values: Values, prefix = ""): PlacedPanel[] {
  const placed: PlacedPanel[] = [];
  // How far what begins at or below a row of the file has moved down, by the repeats above it.
  const grown: { from: number; by: number }[] = [];
  const inOrder = panels.toSorted((a, b) => a.grid.y - b.grid.y || a.grid.x - b.grid.x);
  for (const panel of inOrder) {
    const down = grown.reduce((sum, one) => (panel.grid.y >= one.from ? sum + one.by : sum), 0);
    const y = panel.grid.y + down;
    const name = `${prefix}-${String(panel.id)}`;
    if (panel.repeat === null) {
      placed.push({ key: name, panel: moved(panel, { y }), values });
      continue;
    }
    const several = copies(panel.repeat.variable, values);
    const vertical = panel.repeat.direction === "v";
    const perRow = Math.max(1, Math.min(panel.repeat.max_per_row, several.length));
    const w = vertical ? panel.grid.w : Math.max(1, Math.floor(COLUMNS / perRow));
    several.forEach((copy, i) => {
      const line = vertical ? i : Math.floor(i / perRow);
      const place = {
        x: vertical ? panel.grid.x : (i % perRow) * w,
        y: y + line * panel.grid.h,
        w,
      };
      placed.push({ key: `${name}${copy.key}`, panel: moved(panel, place), values: copy.values });
    });
    const lines = vertical ? several.length : Math.ceil(several.length / perRow);
    grown.push({ from: panel.grid.y + panel.grid.h, by: (lines - 1) * panel.grid.h });
  }
  return placed;
}

function moved(panel: Panel, place: Partial<Panel["grid"]>): Panel {
  return { ...panel, grid: { ...panel.grid, ...place } };
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

function one(chosen: Chosen, value: string, index: number): Chosen {
  return single({ value, text: chosen.texts[index] ?? value }, chosen.many);
}
