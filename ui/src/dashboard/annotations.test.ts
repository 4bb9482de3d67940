import { describe, expect, it } from "vitest";

import type { AnnotationQuery } from "../api/dashboards";
import { annotationQueries, makeMarks, marksOf, nearestHue } from "./annotations";
import { dashboardOf } from "./boards.testing";

const query = (more: Partial<AnnotationQuery> = {}): AnnotationQuery => ({
  name: "deploys",
  enable: true,
  hide: false,
  color: "blue",
  expr: "x",
  step: "",
  title_format: "",
  text_format: "",
  tag_keys: [],
  value_is_time: false,
  panels: null,
  ...more,
});
const samples = (times: number[], value = "1"): [number, string][] => times.map((time) => [time, value]);

describe("makeMarks", () => {
  it("makes one period of samples that follow each other", () => {
    const found = [{ metric: {}, values: samples([60, 120, 180, 600]) }];
    expect(makeMarks(query(), found, 60).map(({ at, until }) => [at, until])).toEqual([
      [60, 180],
      [600, null],
    ]);
  });

  it("leaves out what is 0 or no number", () => {
    const values: [number, string][] = [
      [60, "0"],
      [120, "NaN"],
      [180, "2"],
    ];
    expect(makeMarks(query(), [{ metric: {}, values }], 60).map(({ at }) => at)).toEqual([180]);
  });

  it("takes the value as the moment where the file says so", () => {
    const values: [number, string][] = [
      [60, "5000"],
      [120, "5000"],
      [180, "9000"],
    ];
    const marks = makeMarks(query({ value_is_time: true }), [{ metric: {}, values }], 60);
    expect(marks.map(({ at, until }) => [at, until])).toEqual([
      [5, null],
      [9, null],
    ]);
  });

  it("names a mark by its labels, or by its query", () => {
    const metric = { service: "codegen", version: "1.2", revision: "" };
    const formats = {
      title_format: "{{service}} {{ version }}",
      text_format: "{{revision}}",
      tag_keys: ["version"],
    };
    const [mark] = makeMarks(query(formats), [{ metric, values: samples([60]) }], 60);
    expect([mark?.label, mark?.tags]).toEqual(["codegen 1.2", ["1.2"]]);
    const [plain] = makeMarks(query(), [{ metric, values: samples([60]) }], 60);
    expect(plain?.label).toBe("deploys");
  });

  it("orders the marks of all series by time", () => {
    const found = [
      { metric: { a: "1" }, values: samples([600]) },
      { metric: { a: "2" }, values: samples([60]) },
    ];
    expect(makeMarks(query(), found, 60).map(({ at }) => at)).toEqual([60, 600]);
  });
});

describe("annotationQueries", () => {
  it("adds deployments where the dashboard asks for none", () => {
    expect(annotationQueries(dashboardOf({ annotations: [query()] })).map((one) => one.name)).toEqual([
      "deploys",
      "Deployments",
    ]);
    const own = query({ expr: "changes(accelerapp_build_info[5m])" });
    expect(annotationQueries(dashboardOf({ annotations: [own] }))).toEqual([own]);
  });
});

describe("marksOf", () => {
  it("keeps to the panels that a query names", () => {
    const loaded = new Map([["deploys", makeMarks(query(), [{ metric: {}, values: samples([60]) }], 60)]]);
    const some = query({ panels: { exclude: false, ids: [3] } });
    const others = query({ panels: { exclude: true, ids: [3] } });
    expect(marksOf(3, [some], loaded)).toHaveLength(1);
    expect(marksOf(4, [some], loaded)).toHaveLength(0);
    expect(marksOf(3, [others], loaded)).toHaveLength(0);
    expect(marksOf(4, [others], loaded)).toHaveLength(1);
  });
});

describe("nearestHue", () => {
  it.each([
    ["semi-dark-red", "--hue-red"],
    ["#ff0000", "--hue-red"],
    ["#F2495C", "--hue-red"],
    ["rgba(255, 152, 48, 1)", "--hue-orange"],
    ["#73BF69", "--hue-green"],
    ["#5794F2", "--hue-blue"],
    ["#B877D9", "--hue-purple"],
    ["#808080", "--accent"],
    ["whatever", "--accent"],
  ])("of %s is %s", (color, hue) => {
    expect(nearestHue(color)).toBe(hue);
  });
});
