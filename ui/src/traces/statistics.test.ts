import { describe, expect, it } from "vitest";

import { spanFrom } from "./made";
import { sorted, statistics } from "./statistics";
import { selfTimes } from "./timing";
import { makeRows } from "./waterfall";

const rows = makeRows([
  spanFrom("root", 0, 0, 100, { service: "web" }),
  spanFrom("call", 1, 0, 30, { status: "error" }),
  spanFrom("call", 1, 40, 50),
  spanFrom("call", 1, 60, 61, { service: "db" }),
]);
const list = statistics(rows, selfTimes(rows));
const order = (...given: [Parameters<typeof sorted>[1], boolean]): string[] =>
  sorted(list, ...given).map((one) => `${one.service} ${one.name}`);

describe("statistics", () => {
  it("sums up by service and operation", () => {
    expect(list).toEqual([
      { service: "web", name: "root", spans: 1, errors: 0, total: 100, self: 59, mean: 100, max: 100 },
      { service: "s", name: "call", spans: 2, errors: 1, total: 40, self: 40, mean: 20, max: 30 },
      { service: "db", name: "call", spans: 1, errors: 0, total: 1, self: 1, mean: 1, max: 1 },
    ]);
  });

  it("is sorted with the greatest first, and names from A on", () => {
    expect(order("total", false)).toEqual(["web root", "s call", "db call"]);
    expect(order("total", true)).toEqual(["db call", "s call", "web root"]);
    expect(order("service", false)).toEqual(["db call", "s call", "web root"]);
    expect(order("name", false)).toEqual(["db call", "s call", "web root"]);
    expect(order("errors", false)[0]).toBe("s call");
  });
});
