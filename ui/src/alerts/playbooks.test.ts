import { describe, expect, it } from "vitest";

import { readTraceQuery } from "../explore/traces/query";
import { fill } from "./placeholders";

const FILES = import.meta.glob<string>("../../../deployment/observability/playbooks/*.md", {
  query: "?raw",
  import: "default",
  eager: true,
});

const blocks = Object.entries(FILES).flatMap(([path, text]) =>
  [...text.matchAll(/```traces\n(.*?)```/gs)].map((found) => [path.replace(/^.*\//, ""), found[1] ?? ""]),
);

describe("the shipped playbooks", () => {
  it("search for traces", () => {
    expect(blocks.length).toBeGreaterThan(2);
  });

  it.each(blocks)("%s asks what can be asked: %j", (_, text) => {
    const filled = fill("traces", text, { service: "a b", route: "/x y", instance: "i", job: "j" });
    expect("text" in filled && readTraceQuery(filled.text).problems).toEqual([]);
  });
});
