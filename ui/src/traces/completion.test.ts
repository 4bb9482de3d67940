import { describe, expect, it } from "vitest";

import { complete, completionOf } from "./completion";
import { makeSpan } from "./made";

const completion = completionOf([
  {
    trace_id: "t",
    start_ms: 0,
    duration_ms: 1,
    services: ["s"],
    truncated: false,
    spans: [
      makeSpan("a", 0, { scope: "web", attributes: { route: "/b", n: 2 }, resource: { host: "h" } }),
      makeSpan("b", 0, {
        attributes: { route: "/a", long: "x".repeat(500) },
        events: [{ time_ms: 0, name: "e", attributes: { "exception.type": "E" } }],
      }),
    ],
  },
]);

describe("completion", () => {
  it("offers the names of spans, resources and events", () => {
    expect(complete(completion, "ro")).toEqual(["exception.type=", "host=", "long=", "n=", "route="]);
  });

  it("offers the values of a name as the search compares them, none that is very long", () => {
    expect(complete(completion, "route=")).toEqual(["route=/a", "route=/b"]);
    expect(complete(completion, "n=")).toEqual(["n=2"]);
    expect(complete(completion, "long=")).toEqual([]);
    expect(complete(completion, "other=")).toEqual([]);
  });

  it("knows the scopes", () => {
    expect(completion.scopes).toEqual(["web"]);
  });
});
