import { describe, expect, it } from "vitest";

import { Queue } from "./queue";

describe("Queue", () => {
  it("runs so many at once, the others in their order", async () => {
    const queue = new Queue(2);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const done = [0, 1, 2, 3].map((i) =>
      queue.run(async () => {
        begun.push(i);
        await new Promise<void>((resolve) => ends.push(resolve));
        return i;
      }, new AbortController().signal),
    );
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    ends[0]?.();
    expect(await done[0]).toBe(0);
    await Promise.resolve();
    expect(begun).toEqual([0, 1, 2]);
    ends[1]?.();
    ends[2]?.();
    await done[2];
    await Promise.resolve();
    ends[3]?.();
    expect(await Promise.all(done)).toEqual([0, 1, 2, 3]);
  });

  it("goes on after a failure, and does not begin what was given up", async () => {
    const queue = new Queue(1);
    const given = new AbortController();
    const failed = queue.run(() => Promise.reject(new Error("no")), new AbortController().signal);
    let began = false;
    const never = queue.run(() => {
      began = true;
      return Promise.resolve();
    }, given.signal);
    given.abort();
    await expect(failed).rejects.toThrow("no");
    await expect(never).rejects.toThrow();
    expect(began).toBe(false);
    expect(await queue.run(() => Promise.resolve(7), new AbortController().signal)).toBe(7);
  });
});
