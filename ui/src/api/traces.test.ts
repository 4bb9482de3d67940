import { expect, test } from "vitest";

import { readTrace, type ToldTrace } from "./traces";

const TOLD: ToldTrace = {
  trace_id: "ab",
  start_ms: 1,
  duration_ms: 2,
  services: ["shop"],
  resources: [{ "host.name": "a" }],
  truncated: false,
  spans: [
    {
      span_id: "01",
      name: "GET /",
      kind: "server",
      service: "shop",
      start_ms: 0,
      duration_ms: 2,
      status: "ok",
      depth: 0,
      resource: 0,
    },
    {
      span_id: "02",
      parent_span_id: "03",
      name: "query",
      kind: "client",
      service: "shop",
      start_ms: 0,
      duration_ms: 1,
      status: "error",
      status_message: "broken",
      depth: 0,
      resource: 0,
      scope: "db",
      attributes: { rows: 1 },
      events: [{ time_ms: 1, name: "exception", attributes: {} }],
      links: [{ trace_id: "cd", span_id: "04" }],
      orphan: true,
    },
  ],
};

test("what is left out of a span is empty", () => {
  const { spans, ...trace } = readTrace(TOLD);
  expect(trace).toEqual({
    trace_id: "ab",
    start_ms: 1,
    duration_ms: 2,
    services: ["shop"],
    truncated: false,
  });
  expect(spans[0]).toEqual({
    span_id: "01",
    parent_span_id: "",
    name: "GET /",
    kind: "server",
    service: "shop",
    scope: "",
    scope_version: "",
    trace_state: "",
    start_ms: 0,
    duration_ms: 2,
    status: "ok",
    status_message: "",
    attributes: {},
    resource: { "host.name": "a" },
    events: [],
    links: [],
    depth: 0,
    orphan: false,
  });
});

test("what is told of a span is kept, and spans of one resource share it", () => {
  const [first, second] = readTrace(TOLD).spans;
  expect(second).toMatchObject({ ...TOLD.spans[1], resource: { "host.name": "a" } });
  expect(second?.resource).toBe(first?.resource);
});
