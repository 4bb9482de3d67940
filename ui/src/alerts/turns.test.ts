import { describe, expect, it } from "vitest";

import { Turns } from "./turns";

function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

describe("Turns", () => {
  it("runs as many at once as it is told, in order", async () => {
    const turns = new Turns(2);
    const gates = [gate(), gate(), gate()];
    const begun: number[] = [];
    const signal = new AbortController().signal;
    const runs = gates.map((one, i) =>
      turns.run(signal, async () => {
        begun.push(i);
        await one.opened;
        return i;
      }),
    );
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    gates[1]?.open();
    expect(await runs[1]).toBe(1);
    await Promise.resolve();
    expect(begun).toEqual([0, 1, 2]);
    gates[0]?.open();
    gates[2]?.open();
    expect(await Promise.all(runs)).toEqual([0, 1, 2]);
  });

  it("gives a turn on after a failure, and begins nothing that was aborted", async () => {
    const turns = new Turns(1);
    const controller = new AbortController();
    const first = turns.run(new AbortController().signal, () => Promise.reject(new Error("failed")));
    let begun = false;
    const second = turns.run(controller.signal, () => {
      begun = true;
      return Promise.resolve();
    });
    controller.abort();
    await expect(first).rejects.toThrow("failed");
    await expect(second).rejects.toThrow();
    expect(begun).toBe(false);
    expect(await turns.run(new AbortController().signal, () => Promise.resolve(3))).toBe(3);
  });
});
