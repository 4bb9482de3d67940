import { expect, it } from "vitest";

import { tipRows } from "./tip";

it.each([
  ["all where there is room", [1, 2], 2, [1, 2]],
  ["the first ones", [1, 2, 3, 4], 2, [1, 2, 3]],
  ["in place of the last that which the pointer is on", [1, 2, 3, 4, 5], 5, [1, 2, 5]],
])("shows %s", (_, all, near, shown) => {
  expect(tipRows(all, (one) => one === near, 3)).toEqual(shown);
});
