import { expect, it } from "vitest";

import { pieces } from "./template";

it("a pattern's pieces are what lines share and what varies", () => {
  expect(pieces("took <num>ms for <*> <b> <rest>")).toEqual([
    { text: "took ", varies: false },
    { text: "<num>", varies: true },
    { text: "ms for ", varies: false },
    { text: "<*>", varies: true },
    { text: " <b> ", varies: false },
    { text: "…", varies: true },
  ]);
  expect(pieces("\u001b[<num>mINFO\u001b[0m up")).toEqual([{ text: "INFO up", varies: false }]);
});
