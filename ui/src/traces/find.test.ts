import { describe, expect, it } from "vitest";

import { SpanFinder } from "./find";
import { makeSpan } from "./made";

const finder = new SpanFinder([
  makeSpan("a", 0, { name: "GET /orders", service: "gateway", attributes: { "http.route": "/Orders" } }),
  makeSpan("b", 1, { name: "charge", attributes: { "cart.items": 3, ok: true, tags: ["x y"] } }),
  makeSpan("c", 1, {
    status: "error",
    status_message: "card declined",
    events: [{ time_ms: 0, name: "exception", attributes: { "exception.type": "CardDeclined" } }],
  }),
]);

describe("SpanFinder", () => {
  it("finds names, services, values, messages and events, whatever their case", () => {
    expect(finder.find("orders")).toEqual([0]);
    expect(finder.find("GATEWAY")).toEqual([0]);
    expect(finder.find("cart.items=3")).toEqual([1]);
    expect(finder.find("ok=true")).toEqual([1]);
    expect(finder.find("declined")).toEqual([2]);
    expect(finder.find("exception.type=cardDeclined")).toEqual([2]);
    expect(finder.find("zzz")).toEqual([]);
  });

  it("wants every word, and those in quotes side by side", () => {
    expect(finder.find("card error")).toEqual([2]);
    expect(finder.find("charge error")).toEqual([]);
    expect(finder.find('"card declined"')).toEqual([2]);
    expect(finder.find('"declined card"')).toEqual([]);
    expect(finder.find('"x y')).toEqual([1]);
  });

  it("finds nothing for nothing", () => {
    expect(finder.find("  ")).toEqual([]);
  });
});
