import { describe, expect, it } from "vitest";

import type { PlaybookBlock } from "../api/alerts";
import { agrees, fill, hasPlaceholders } from "./placeholders";

describe("fill", () => {
  it.each<[PlaybookBlock["lang"], string, Record<string, string>, string]>([
    ["promql", 'up{job="{{ $labels.job }}"}', { job: "a" }, 'up{job="a"}'],
    ["promql", 'up{job="{{$labels.job}}"}', { job: 'a"\\' }, 'up{job="a\\"\\\\"}'],
    ["promql", "up{job='{{ $labels.job }}'}", { job: "it's" }, "up{job='it\\'s'}"],
    ["promql", "up{job=`{{ $labels.job }}`}", { job: "a\\b" }, "up{job=`a\\b`}"],
    ["promql", '# it\'s\nup{job="{{ $labels.job }}"}', { job: '"' }, '# it\'s\nup{job="\\""}'],
    ["logs", 'it\'s: "{{ $labels.job }}"', { job: '"' }, 'it\'s: "\\""'],
    ["promql", "up[{{ .Labels.window }}]", { window: "5m" }, "up[5m]"],
    [
      "logs",
      "service: {{ $labels.service }} and level: error",
      { service: "shop" },
      "service: shop and level: error",
    ],
    ["logs", "service: {{ $labels.service }}", { service: "my shop" }, 'service: "my shop"'],
    ["logs", 'a: "x\\"{{ $labels.b }}"', { b: "c d" }, 'a: "x\\"c d"'],
    ["traces", "service={{ $labels.service }}", { service: "a b" }, 'service="a b"'],
    ["traces", "status=error", {}, "status=error"],
  ])("of %s %j with %j is %j", (lang, text, labels, filled) => {
    expect(fill(lang, text, labels)).toEqual({ text: filled });
  });

  it("names the first label that the alert has not", () => {
    expect(fill("promql", 'a{b="{{ $labels.b }}", c="{{ $labels.c }}"}', { c: "1" })).toEqual({
      missing: "b",
    });
  });
});

describe("hasPlaceholders", () => {
  it("is true again when asked again", () => {
    expect(hasPlaceholders("{{ $labels.a }}")).toBe(true);
    expect(hasPlaceholders("{{ $labels.a }}")).toBe(true);
    expect(hasPlaceholders("{{ $value }}")).toBe(false);
  });
});

describe("agrees", () => {
  it("looks at the labels that both have", () => {
    expect(agrees({ __name__: "up", service: "a", le: "1" }, { service: "a", alertname: "X" })).toBe(true);
    expect(agrees({ service: "b" }, { service: "a" })).toBe(false);
    expect(agrees({}, { service: "a" })).toBe(true);
  });
});
