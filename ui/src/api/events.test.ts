import { describe, expect, it } from "vitest";

import { EventParser } from "./events";

const TEXT = ': following\n\nevent: lines\ndata: [1]\n\nevent: missed\r\ndata: {"lines":\r\ndata: 3}\r\n\r\n';
const EVENTS = [
  { name: "lines", data: "[1]" },
  { name: "missed", data: '{"lines":\n3}' },
];

describe("server-sent events", () => {
  it("are the same wherever the pieces of an answer end", () => {
    for (const size of [1, 2, 3, 7, TEXT.length]) {
      const parser = new EventParser();
      const got = [];
      for (let at = 0; at < TEXT.length; at += size) {
        got.push(...parser.push(TEXT.slice(at, at + size)));
      }
      expect(got).toEqual(EVENTS);
    }
  });

  it("are none where only comments come, or an event has not ended", () => {
    expect(new EventParser().push(": idle\n\nevent: lines\ndata: [1]\n")).toEqual([]);
  });
});
