import { describe, expect, it } from "vitest";

import type { LogRecord } from "../api/logs";
import { Ring } from "./ring";

const lines = (from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: String(from + i), time_ms: from + i }) as LogRecord);
const ids = (ring: Ring): string => ring.lines.map((line) => line.id).join(" ");

describe("the newest lines", () => {
  it("are shown the newest first, the oldest let go", () => {
    const ring = new Ring(4);
    ring.push(lines(0, 3));
    expect(ids(ring)).toBe("");
    expect(ring.flush()).toBe(true);
    expect(ids(ring)).toBe("2 1 0");
    ring.push(lines(3, 5));
    ring.flush();
    expect(ids(ring)).toBe("4 3 2 1");
    expect(ring.received).toBe(5);
    expect(ring.flush()).toBe(false);
  });

  it("stand by their time, whenever they arrive", () => {
    const ring = new Ring(4);
    ring.push(lines(3, 5));
    ring.flush();
    ring.push(lines(1, 2));
    ring.push(lines(8, 9));
    ring.flush();
    expect(ids(ring)).toBe("8 4 3 1");
  });

  it("stand still while they are held, and what arrives is counted", () => {
    const ring = new Ring(4);
    ring.push(lines(0, 2));
    ring.flush();
    ring.hold(true);
    ring.push(lines(2, 5));
    expect(ring.flush()).toBe(false);
    expect([ids(ring), ring.waiting, ring.dropped]).toEqual(["1 0", 3, 0]);
    ring.push(lines(5, 8));
    expect([ring.waiting, ring.dropped]).toEqual([6, 2]);
    ring.hold(false);
    ring.flush();
    expect([ids(ring), ring.waiting, ring.dropped, ring.received]).toEqual(["7 6 5 4", 0, 0, 8]);
  });

  it("come once, also where they were there before", () => {
    const ring = new Ring(10);
    ring.push(lines(2, 4));
    ring.seed(lines(0, 3).reverse());
    ring.push(lines(3, 5));
    ring.flush();
    expect(ids(ring)).toBe("4 3 2 1 0");
    expect(ring.received).toBe(3);
  });

  it("stand as in a search where no millisecond parts them, and tell which arrived last", () => {
    const ring = new Ring(10);
    const at = (id: string): LogRecord => ({ id, time_ms: 1.5 }) as LogRecord;
    ring.push([at("1500001-9"), at("1500000-10"), at("1500000-8")]);
    ring.flush();
    expect(ids(ring)).toBe("1500001-9 1500000-10 1500000-8");
    expect(ring.latest).toBe("1500000-10");
    // Beyond what a number holds exactly.
    ring.push([at("1500000-9007199254740993"), at("1500000-9007199254740992")]);
    expect(ring.latest).toBe("1500000-9007199254740993");
  });

  it("are all that is remembered, however long the list is held", () => {
    const ring = new Ring(4);
    ring.push(lines(0, 2));
    ring.flush();
    ring.hold(true);
    ring.push(lines(2, 40));
    ring.push(lines(40, 41));
    expect(ring.received).toBe(41);
    // One that is shown or waits is known still, one that was let go is not.
    ring.push([...lines(0, 1), ...lines(10, 11), ...lines(39, 40)]);
    expect(ring.received).toBe(42);
  });
});
