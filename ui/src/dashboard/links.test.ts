import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { dashboardOf } from "./boards.testing";
import { readyLink, safeHref, withParams, type LinkScope } from "./links";

beforeAll(() => {
  vi.stubGlobal("location", new URL("http://observatory.test/d/now?x=1"));
});
afterAll(() => {
  vi.unstubAllGlobals();
});

const context = {
  dashboard: dashboardOf(),
  values: new Map([
    ["job", { values: ["a b", "c"], texts: ["A", "C"], all: false, allValue: "", many: true }],
    ["host", { values: ["x"], texts: ["x"], all: true, allValue: "", many: true }],
  ]),
  key: "",
};
const shown = { from: 1000, to: 2000 };
const last = { kind: "last", ms: 3_600_000 } as const;
const scope: LinkScope = {
  series: "http 200",
  field: "Value",
  labels: { job: "api/v1", "http.route": "/x" },
  value: { raw: "0.5", text: "50 %", numeric: 0.5, time: 1500, calc: "last" },
  fields: [
    ["Name", { raw: "n 1", text: "n 1" }],
    ["Size", { raw: "1024", text: "1 KiB" }],
  ],
};

const href = (url: string, of?: LinkScope): string | undefined =>
  readyLink({ title: "", url, new_tab: false }, context, shown, last, of)?.href;

describe("safeHref", () => {
  it.each([
    ["https://example.org/a?b=c", "https://example.org/a?b=c"],
    ["mailto:a@example.org", "mailto:a@example.org"],
    ["/d/uid/slug?var-a=b", "/d/uid?var-a=b"],
    ["d/uid", "/d/uid"],
    ["/d/uid?from=1000&to=2000", "/d/uid?from=1000&to=2000"],
    ["/traces?service=a", "/traces?service=a"],
    ["javascript:alert(1)", null],
    [" JAVASCRIPT:alert(1)", null],
    ["data:text/html,x", null],
    ["//evil.test/x", "http://evil.test/x"],
    ["http://", null],
    ["", null],
  ])("makes of %j %j", (text, expected) => {
    expect(safeHref(text)).toBe(expected);
  });
});

describe("readyLink", () => {
  it.each([
    ["/d/x?var-job=${__field.labels.job}", "/d/x?var-job=api%2Fv1"],
    ["/d/x?a=${__field.labels['http.route']}", "/d/x?a=%2Fx"],
    ["/d/x?s=${__series.name}&v=${__value.raw}&t=${__value.time}", "/d/x?s=http%20200&v=0.5&t=1500"],
    ["/d/x?n=${__data.fields.Name}&s=${__data.fields[1].text}", "/d/x?n=n%201&s=1%20KiB"],
    ['/d/x?n=${__data.fields["Name"]}', "/d/x?n=n%201"],
    ["/d/x?${job:queryparam}", "/d/x?var-job=a%20b&var-job=c"],
    ["/d/x?${__url_time_range}", "/d/x?range=1h"],
    ["/d/x?${__all_variables}", "/d/x?var-job=a+b&var-job=c&var-host=%24__all"],
    ["/d/x?from=${__from}&to=$__to", "/d/x?from=1000&to=2000"],
    ["https://e.test/${unknown}", "https://e.test/$%7Bunknown%7D"],
  ])("fills %s", (url, expected) => {
    expect(href(url, scope)).toBe(expected);
  });

  it("opens an address that a value holds, but none that runs", () => {
    const of = (raw: string): LinkScope => ({
      ...scope,
      value: { raw, text: "", numeric: null, time: null, calc: "" },
    });
    expect(href("${__value.raw}", of("https://e.test/a?b=c d"))).toBe("https://e.test/a?b=c%20d");
    expect(href("${__value.raw}", of("javascript:alert(1)"))).toBeUndefined();
  });

  it("fills its title with what people read", () => {
    const link = { title: "Lines of ${__field.labels.job}", url: "/logs", new_tab: true };
    expect(readyLink(link, context, shown, last, scope)).toEqual({
      title: "Lines of api/v1",
      href: "/logs",
      newTab: true,
    });
  });
});

describe("withParams", () => {
  const keep = { keep_time: true, keep_variables: true };

  it("takes time and variables along", () => {
    expect(withParams("/d/x?range=5m", keep, context, last)).toBe(
      "/d/x?range=1h&var-job=a+b&var-job=c&var-host=%24__all",
    );
  });

  it("takes nothing along where it is not asked to", () => {
    expect(withParams("/d/x", { keep_time: false, keep_variables: false }, context, last)).toBe("/d/x");
  });
});
