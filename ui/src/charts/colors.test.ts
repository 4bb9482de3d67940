import { describe, expect, it } from "vitest";

import {
  absoluteThresholds,
  channels,
  contrast,
  cssValue,
  groundValue,
  scaleColor,
  seriesColor,
  textValue,
  thresholdColor,
  valueColor,
} from "./colors";

describe("thresholdColor", () => {
  const steps = [
    { value: null, color: "green" },
    { value: 0.01, color: "yellow" },
    { value: 0.05, color: "red" },
  ];

  it.each([
    [-1, "green"],
    [0, "green"],
    [0.01, "yellow"],
    [0.049, "yellow"],
    [0.05, "red"],
    [9, "red"],
    [null, null],
    [Number.NaN, null],
  ])("gives %s the colour %s", (value, color) => {
    expect(thresholdColor(value, steps)).toBe(color);
    expect(thresholdColor(value, steps.toReversed())).toBe(color);
  });

  it("gives none below all of them", () => {
    expect(thresholdColor(1, [{ value: 2, color: "red" }])).toBeNull();
  });

  it("takes percentages of the way between the limits", () => {
    const thresholds = {
      mode: "percentage" as const,
      steps: [
        { value: null, color: "green" },
        { value: 80, color: "red" },
      ],
    };
    expect(absoluteThresholds(thresholds, 50, 150)).toEqual([
      { value: null, color: "green" },
      { value: 130, color: "red" },
    ]);
  });
});

describe("cssValue", () => {
  it("gives Grafana's hues the theme's own colour, and its shades a part of it", () => {
    expect(cssValue("red")).toBe("var(--hue-red)");
    expect(cssValue("semi-dark-red")).toContain("var(--hue-red) 85%, var(--text)");
    expect(cssValue("super-light-blue")).toContain("var(--hue-blue) 58%, var(--surface)");
    expect(textValue("super-light-blue")).toBe("var(--hue-blue)");
  });

  it("knows none, and no property of the page by its name", () => {
    expect(cssValue("transparent")).toBeNull();
    expect(cssValue("text")).toBeNull();
    expect(textValue("#e02f44")).toBeNull();
    expect(groundValue("semi-dark-green", "#ffffff")).toBe("var(--hue-green)");
  });

  it.each([
    ["#e02f44", "#ffffff", true],
    ["#73bf69", "#ffffff", false],
    ["#73bf69", "#161b24", true],
    ["rgba(50, 172, 45, 0.97)", "#161b24", true],
    ["#1f1f20", "#161b24", false],
    ["#fff", "#ffffff", false],
  ])("keeps %s on %s where it stands out", (color, surface, kept) => {
    const found = cssValue(color, surface) ?? "";
    expect(found === color).toBe(kept);
    if (!kept) {
      expect(found).toContain("var(--text)");
    }
  });

  it("keeps a colour that it cannot read", () => {
    expect(cssValue("rebeccapurple", "#ffffff")).toBe("rebeccapurple");
  });
});

describe("contrast", () => {
  it("is WCAG's", () => {
    expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 5);
    expect(contrast([119, 119, 119], [255, 255, 255])).toBeCloseTo(4.48, 2);
    expect(channels("#abc")).toEqual([170, 187, 204]);
    expect(channels("var(--x)")).toBeNull();
  });
});

describe("scales and palettes", () => {
  it("goes through the colours of a scale", () => {
    expect(scaleColor("continuous-GrYlRd", 0)).toBe("var(--hue-green)");
    expect(scaleColor("continuous-GrYlRd", 0.5)).toBe("var(--hue-yellow)");
    expect(scaleColor("continuous-GrYlRd", 1)).toBe("var(--hue-red)");
    expect(scaleColor("continuous-GrYlRd", 0.25)).toContain("50%");
    expect(scaleColor("continuous-GrYlRd", Number.NaN)).toBe("var(--hue-green)");
  });

  it("gives no two of the first sixteen series one colour", () => {
    expect(new Set(Array.from({ length: 16 }, (_, i) => seriesColor(i))).size).toBe(16);
  });

  it("colours a value by its mode", () => {
    const thresholds = [{ value: null, color: "green" }];
    const color = (mode: string) => ({ mode, fixed: "purple", series_by: "last" as const });
    expect(valueColor(1, color("thresholds"), thresholds, 0, 1)).toBe("green");
    expect(valueColor(1, color("fixed"), thresholds, 0, 1)).toBe("purple");
    expect(valueColor(1, color("continuous-GrYlRd"), thresholds, 0, 1)).toBe("var(--hue-red)");
    expect(valueColor(1, color("palette-classic"), thresholds, 0, 1)).toBeNull();
  });
});
