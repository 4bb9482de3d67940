import { EqlRegex, EqlSingle, Neq } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";

import { metadataOf } from "../metrics/metadata";
import { selector } from "./client";

const matcher = (name: string, value: string, type = EqlSingle) => ({
  name,
  value,
  type,
  matchesEmpty: () => false,
});

describe("selector", () => {
  it("has what is written but the label that is completed", () => {
    expect(selector("up", [matcher("job", "a"), matcher("instance", "b")], "instance")).toBe('up{job="a"}');
    expect(selector("up", [], "job")).toBe("up");
    expect(selector("up", [matcher("job", "a", Neq), matcher("x", "b.*", EqlRegex)])).toBe(
      'up{job!="a",x=~"b.*"}',
    );
  });

  it("asks for everything rather than for what may be empty", () => {
    expect(selector("", [matcher("job", "a", Neq)])).toBe("");
    expect(selector("", [matcher("job", "a", Neq), matcher("x", "")])).toBe("");
    expect(selector("", [matcher("job", "a")])).toBe('{job="a"}');
  });

  it("quotes names that are not plain, and leaves out what is not finished", () => {
    expect(selector("up", [matcher("http.route", "/"), matcher("a", ""), matcher("b", 'x"')])).toBe(
      'up{"http.route"="/"}',
    );
  });
});

describe("metadataOf", () => {
  const metadata = new Map([
    ["latency_seconds", { type: "histogram", help: "Latency.", unit: "" }],
    ["errors_total", { type: "counter", help: "Errors.", unit: "" }],
  ]);

  it("knows a histogram by the names of its series", () => {
    expect(metadataOf(metadata, "latency_seconds_bucket")?.type).toBe("histogram");
    expect(metadataOf(metadata, "errors_total")?.help).toBe("Errors.");
    expect(metadataOf(metadata, "other")).toBeUndefined();
  });
});
