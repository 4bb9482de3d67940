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
});
