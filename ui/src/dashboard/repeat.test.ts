import { describe, expect, it } from "vitest";

import { panelOf } from "./boards.testing";
import { cutRepeats, MOST_COPIES, placePanels, placeSections } from "./repeat";
import type { Chosen } from "./variables";

const many = (values: string[]): Chosen => ({
  values,
  texts: values.map((one) => one.toUpperCase()),
  all: false,
  allValue: "",
  many: true,
});
const values = new Map([["job", many(["a", "b", "c"])]]);
const places = (placed: ReturnType<typeof placePanels>): number[][] =>
  placed.map(({ panel: { grid } }) => [grid.x, grid.y, grid.w, grid.h]);

describe("placePanels", () => {
  it("keeps panels where they are", () => {
    const panels = [panelOf(1, { x: 0, y: 0, w: 12, h: 8 }), panelOf(2, { x: 12, y: 0, w: 12, h: 8 })];
    expect(places(placePanels(panels, values))).toEqual([
      [0, 0, 12, 8],
      [12, 0, 12, 8],
    ]);
  });

  it("leaves no gap above a panel, and lets none lie over another", () => {
    const panels = [
      panelOf(1, { x: 0, y: 7, w: 12, h: 8 }),
      panelOf(2, { x: 6, y: 9, w: 12, h: 4 }),
      panelOf(3, { x: 18, y: 30, w: 6, h: 4 }),
    ];
    expect(places(placePanels(panels, values))).toEqual([
      [0, 0, 12, 8],
      [6, 8, 12, 4],
      [18, 0, 6, 4],
    ]);
  });

  it("repeats across, in rows of the most that fit, and moves down what is below", () => {
    const panels = [
      panelOf(1, { x: 0, y: 0, w: 6, h: 5 }, { repeat: { variable: "job", direction: "h", max_per_row: 2 } }),
      panelOf(2, { x: 0, y: 5, w: 24, h: 3 }),
    ];
    const placed = placePanels(panels, values);
    expect(places(placed)).toEqual([
      [0, 0, 12, 5],
      [12, 0, 12, 5],
      [0, 5, 12, 5],
      [0, 10, 24, 3],
    ]);
    expect(placed.map((one) => one.values.get("job")?.values)).toEqual([
      ["a"],
      ["b"],
      ["c"],
      ["a", "b", "c"],
    ]);
    expect(placed[1]?.values.get("job")?.texts).toEqual(["B"]);
    expect(new Set(placed.map((one) => one.key)).size).toBe(4);
  });

  it("repeats down", () => {
    const panels = [
      panelOf(1, { x: 6, y: 0, w: 6, h: 5 }, { repeat: { variable: "job", direction: "v", max_per_row: 4 } }),
    ];
    expect(places(placePanels(panels, values))).toEqual([
      [6, 0, 6, 5],
      [6, 5, 6, 5],
      [6, 10, 6, 5],
    ]);
  });

  it("shows a panel once where its variable has no value", () => {
    const panels = [
      panelOf(
        1,
        { x: 0, y: 0, w: 6, h: 5 },
        { repeat: { variable: "gone", direction: "h", max_per_row: 4 } },
      ),
    ];
    expect(placePanels(panels, values)).toHaveLength(1);
  });

  it("bounds the copies", () => {
    const lots = new Map([["job", many(Array.from({ length: 500 }, (_, i) => String(i)))]]);
    const panels = [
      panelOf(1, { x: 0, y: 0, w: 6, h: 5 }, { repeat: { variable: "job", direction: "h", max_per_row: 4 } }),
    ];
    expect(placePanels(panels, lots)).toHaveLength(MOST_COPIES);
    const section = { id: 9, title: "All", collapsed: false, repeat: "", panels };
    expect(cutRepeats([section], lots)).toEqual([{ variable: "job", values: 500 }]);
    expect(cutRepeats([{ ...section, panels: [] }], lots)).toEqual([]);
  });
});

describe("placeSections", () => {
  it("repeats a row with all that is in it", () => {
    const section = {
      id: 9,
      title: "Job $job",
      collapsed: false,
      repeat: "job",
      panels: [panelOf(1, { x: 0, y: 0, w: 12, h: 8 })],
    };
    const placed = placeSections([section], values);
    expect(placed.map((one) => one.values.get("job")?.values)).toEqual([["a"], ["b"], ["c"]]);
    const keys = placed.flatMap((one) => one.panels.map((panel) => panel.key));
    expect(new Set(keys).size).toBe(3);
  });
});
