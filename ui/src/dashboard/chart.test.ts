import { describe, expect, it } from "vitest";

import type { FieldConfig } from "../api/dashboards";
import { makeChart } from "./chart";
import type { DataFrame } from "../data/fields";
import { column, frameOf, madeConfig, madeStyle, seriesOf, times } from "./made";

const set = (frame: DataFrame, config: FieldConfig): DataFrame => ({
  ...frame,
  fields: frame.fields.map((field) => (field.kind === "time" ? field : { ...field, config })),
});

describe("makeChart", () => {
  it("lays series of other moments on one axis of time", () => {
    const other = frameOf(times([500, 1000]), column("Value", [7, 8], { title: "b" }));
    const { frame } = makeChart([seriesOf("a", [1, 2]), other], madeConfig(), "");
    expect(frame.times).toEqual([0, 0.5, 1]);
    expect(frame.series.map((one) => one.values)).toEqual([
      [1, null, 2],
      [null, 7, 8],
    ]);
  });

  it("puts another unit on an axis at the right, unless the file says where", () => {
    const at = (placement: "auto" | "left") =>
      set(
        seriesOf("b", [1]),
        madeConfig({ unit: "bytes", custom: madeStyle({ axis: { ...madeStyle().axis, placement } }) }),
      );
    const sides = (second: DataFrame) =>
      makeChart([seriesOf("a", [1]), second], madeConfig(), "").style.axes?.map((axis) => axis.side);
    expect(sides(at("auto"))).toEqual(["left", "right"]);
    expect(sides(at("left"))).toEqual(["left", "left"]);
    expect(sides(seriesOf("c", [2]))).toEqual(["left"]);
  });

  it("draws percentages of the whole from 0 to 1", () => {
    const config = madeConfig({
      unit: "bytes",
      custom: madeStyle({ stacking: { mode: "percent", group: "A" } }),
    });
    expect(makeChart([set(seriesOf("a", [1]), config)], config, "").style.axes?.[0]).toMatchObject({
      unit: "percentunit",
      min: 0,
      max: 1,
    });
  });

  it("has an axis in the colour of its series where the file asks for it", () => {
    const color = (color_mode: "text" | "series") => {
      const config = madeConfig({ custom: madeStyle({ axis: { ...madeStyle().axis, color_mode } }) });
      return makeChart([set(seriesOf("a", [1]), config)], config, "").style.axes?.[0]?.color;
    };
    expect([color("text"), color("series")]).toEqual([null, "var(--series-0)"]);
  });

  it("begins at zero where something is filled or stands on it", () => {
    const zero = (custom: Parameters<typeof madeStyle>[0]) =>
      makeChart([set(seriesOf("a", [1]), madeConfig({ custom: madeStyle(custom) }))], madeConfig(), "").style
        .axes?.[0]?.zero;
    expect(zero({})).toBe(false);
    expect(zero({ fill_opacity: 10 })).toBe(true);
    expect(zero({ draw_style: "bars" })).toBe(true);
  });

  it("mirrors and flattens as the file asks", () => {
    const values = (transform: "negative-Y" | "constant") =>
      makeChart(
        [set(seriesOf("a", [null, 3, 4]), madeConfig({ custom: madeStyle({ transform }) }))],
        madeConfig(),
        "",
      ).frame.series[0];
    expect(values("negative-Y")).toMatchObject({ values: [null, -3, -4], negative: true });
    expect(values("constant")?.values).toEqual([3, 3, 3]);
  });

  it.each([
    [{ mode: "fixed", fixed: "red" }, "var(--hue-red)"],
    [{ mode: "palette-classic", fixed: "" }, "var(--series-0)"],
    [{ mode: "thresholds", fixed: "" }, "var(--hue-orange)"],
    [{ mode: "continuous-GrYlRd", fixed: "" }, "var(--hue-red)"],
  ])("colours a series by %j", (color, expected) => {
    const config = madeConfig({
      color: { ...color, series_by: "last" },
      thresholds: {
        mode: "absolute",
        steps: [
          { value: null, color: "green" },
          { value: 2, color: "orange" },
        ],
      },
    });
    expect(makeChart([set(seriesOf("a", [1, 3]), config)], config, "").frame.series[0]?.look?.color).toBe(
      expected,
    );
  });

  it("names what is not drawn at first", () => {
    const config = madeConfig({ custom: madeStyle({ hide: { legend: false, tooltip: false, viz: true } }) });
    expect(makeChart([set(seriesOf("a", [1]), config), seriesOf("b", [1])], madeConfig(), "").hidden).toEqual(
      ["a"],
    );
  });
});
