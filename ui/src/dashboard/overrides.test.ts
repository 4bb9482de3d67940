import { describe, expect, it } from "vitest";

import type { Override } from "../api/dashboards";
import { madeConfig, madeStyle, seriesOf } from "./made";
import { configure } from "./overrides";

const override = (matcher: Partial<Override["matcher"]>, set: Override["set"]): Override => ({
  matcher: {
    id: "byName",
    options: "",
    names: [],
    exclude: false,
    reducer: "",
    op: "",
    value: 0,
    ...matcher,
  },
  set,
});

const frames = [seriesOf("read", [1, 2]), seriesOf("write", [10, 20], {}, "B")];

function unitsOf(matcher: Partial<Override["matcher"]>): string[] {
  return configure(frames, madeConfig(), [override(matcher, { unit: "s" })]).map(
    (one) => one.fields[1]?.config.unit ?? "",
  );
}

describe("configure", () => {
  it.each<[Partial<Override["matcher"]>, string[]]>([
    [{ options: "read" }, ["s", "short"]],
    [{ options: "Value" }, ["s", "s"]],
    [{ id: "byRegexp", options: "/^w/" }, ["short", "s"]],
    [{ id: "byRegexp", options: "wri" }, ["short", "short"]],
    [{ id: "byRegexp", options: "/(/" }, ["short", "short"]],
    [{ id: "byRegexp", options: "/^V/" }, ["short", "short"]],
    [{ id: "byFrameRefID", options: "B" }, ["short", "s"]],
    [{ id: "byType", options: "number" }, ["s", "s"]],
    [{ id: "byType", options: "string" }, ["short", "short"]],
    [{ id: "byNames", names: ["write"] }, ["short", "s"]],
    [{ id: "byNames", names: ["write"], exclude: true }, ["s", "short"]],
    [{ id: "byValue", reducer: "max", op: "gte", value: 20 }, ["short", "s"]],
    [{ id: "byValue", reducer: "min", op: "lt", value: 5 }, ["s", "short"]],
  ])("%j", (matcher, units) => {
    expect(unitsOf(matcher)).toEqual(units);
  });

  it("lets later overrides win, and leaves the rest of a group as it is", () => {
    const base = madeConfig({ custom: madeStyle({ line_width: 3 }) });
    const axis = { ...madeStyle().axis, label: "rate" };
    const [frame] = configure(frames, base, [
      override({ options: "read" }, { unit: "s", custom: { axis } }),
      override({ options: "read" }, { unit: "ms", custom: { fill_opacity: 20 } }),
    ]);
    const config = frame?.fields[1]?.config;
    expect(config?.unit).toBe("ms");
    expect(config?.custom).toMatchObject({
      line_width: 3,
      fill_opacity: 20,
      axis: { label: "rate", placement: "auto" },
    });
    expect(base.custom.fill_opacity).toBe(0);
  });

  it("gives a name, which the other overrides do not go by", () => {
    const [frame] = configure(
      frames,
      madeConfig(),
      [
        override({ options: "read" }, { display_name: "Reads of ${x}" }),
        override({ options: "read" }, { unit: "s" }),
      ],
      (text) => text.replace("${x}", "disk"),
    );
    expect(frame?.fields[1]?.title).toBe("Reads of disk");
    expect(frame?.fields[1]?.config.unit).toBe("s");
  });
});
