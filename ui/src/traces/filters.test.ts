import { describe, expect, it } from "vitest";

import { parseDuration } from "../format/duration";
import {
  countFilters,
  readFilters,
  readTraceId,
  searchParams,
  withAttributes,
  writeDuration,
} from "./filters";

const query = new URLSearchParams(
  "service=shop&caller=web&root=1&min=250ms&max=1.5s&attribute=a%3D1&attribute=b%3Dx%3Dy&attribute=a%3D1&attribute=bad&range=5m",
);

describe("filters", () => {
  it("are read from the URL, each attribute once", () => {
    expect(readFilters(query)).toEqual({
      service: "shop",
      name: "",
      kind: "",
      status: "",
      scope: "",
      caller: "web",
      root: true,
      min: "250ms",
      max: "1.5s",
      attributes: ["a=1", "b=x=y"],
    });
    expect(countFilters(readFilters(query))).toBe(7);
    expect(countFilters(readFilters(new URLSearchParams("range=5m")))).toBe(0);
  });

  it("become parameters, with milliseconds", () => {
    const params = searchParams(readFilters(query), { from: 1.5, to: 2.5 });
    expect(params).toMatchObject({
      service: "shop",
      caller: "web",
      root: "true",
      min_duration_ms: 250,
      max_duration_ms: 1500,
      attribute: ["a=1", "b=x=y"],
      start_ms: 1,
      end_ms: 3,
    });
    expect(searchParams(readFilters(query), { from: 0, to: 1 }, false)).toMatchObject({
      min_duration_ms: null,
      max_duration_ms: null,
    });
  });

  it("leave out a duration that is none", () => {
    const wrong = readFilters(new URLSearchParams("min=soon"));
    expect(searchParams(wrong, { from: 0, to: 1 }).min_duration_ms).toBeNull();
  });

  it("keep the other parameters when attributes change", () => {
    expect(withAttributes(new URLSearchParams("service=a&attribute=x%3D1"), ["y=2", "z=3"])).toBe(
      "?service=a&attribute=y%3D2&attribute=z%3D3",
    );
    expect(withAttributes(new URLSearchParams("attribute=x%3D1"), [])).toBe("");
  });
});

describe("readTraceId", () => {
  it("takes ids of 64 and 128 bits as they are copied", () => {
    expect(readTraceId(" 0AF7651916CD43DD8448EB211C80319C\n")).toBe("0af7651916cd43dd8448eb211c80319c");
    expect(readTraceId("0af76519-16cd-43dd-8448-eb211c80319c")).toBe("0af7651916cd43dd8448eb211c80319c");
    expect(readTraceId("8448eb211c80319c")).toBe("8448eb211c80319c");
  });

  it("takes nothing else", () => {
    for (const text of ["", "abc", "a=8448eb211c80319c", "8448eb211c80319g", "8448eb211c80319c0"]) {
      expect(readTraceId(text)).toBeNull();
    }
  });
});

describe("writeDuration", () => {
  it("is read again", () => {
    for (const ms of [0.0123, 0.5, 1, 12.3, 250, 999, 1500, 100_000]) {
      expect(parseDuration(writeDuration(ms))).toBeCloseTo(ms, 6);
    }
    expect(writeDuration(1234.5)).toBe("1.23s");
  });
});
