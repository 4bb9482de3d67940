import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { connection } from "./connection.svelte";

/** What is asked and not answered until its signal ends it. */
const hangs = (_: unknown, { signal }: RequestInit = {}): Promise<Response> =>
  new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => {
      reject(signal.reason as Error);
    });
  });
const answers = (): Promise<Response> => Promise.resolve(new Response("ok"));

beforeEach(() => {
  vi.useFakeTimers();
  // Its timer is not among those that are made up here.
  vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    const controller = new AbortController();
    setTimeout(() => {
      controller.abort(new Error("timeout"));
    }, ms);
    return controller.signal;
  });
});

afterEach(async () => {
  vi.stubGlobal("fetch", answers);
  await vi.advanceTimersByTimeAsync(120_000);
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("the connection", () => {
  it("is lost when nothing answers for long, and back with the next answer", async () => {
    vi.stubGlobal("fetch", hangs);
    const since = Date.now();
    connection.answered();
    const returns = connection.returns;
    void connection.answer(hangs(""));
    await vi.advanceTimersByTimeAsync(14_000);
    expect(connection.lostAt).toBeNull();
    await vi.advanceTimersByTimeAsync(2000);
    expect(connection.lostAt).toBe(since);
    vi.stubGlobal("fetch", answers);
    await vi.advanceTimersByTimeAsync(7000);
    expect(connection.lostAt).toBeNull();
    expect(connection.returns).toBe(returns + 1);
  });

  it("is not lost for one slow answer", async () => {
    const asked = vi.fn(answers);
    vi.stubGlobal("fetch", asked);
    void connection.answer(hangs(""));
    await vi.advanceTimersByTimeAsync(40_000);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(connection.lostAt).toBeNull();
  });

  it("is not lost while slow queries hold all the browser's connections", async () => {
    vi.stubGlobal("fetch", hangs);
    for (let i = 0; i < 6; i += 1) {
      void connection.answer(hangs(""));
    }
    await vi.advanceTimersByTimeAsync(40_000);
    expect(connection.lostAt).toBeNull();
  });

  it("is lost while a gateway answers in its place, and back with the observatory's own answer", async () => {
    const away = (): Promise<Response> => Promise.resolve(new Response("Bad Gateway", { status: 502 }));
    vi.stubGlobal("fetch", away);
    const since = Date.now();
    connection.answered();
    const returns = connection.returns;
    await vi.advanceTimersByTimeAsync(1500);
    await connection.answer(away());
    await vi.advanceTimersByTimeAsync(3000);
    expect(connection.lostAt).toBe(since);
    vi.stubGlobal("fetch", answers);
    await vi.advanceTimersByTimeAsync(2000);
    expect(connection.lostAt).toBeNull();
    expect(connection.returns).toBe(returns + 1);
  });

  it("is not lost where the observatory itself has too much to do for one answer", async () => {
    vi.stubGlobal("fetch", answers);
    await connection.answer(Promise.resolve(new Response("{}", { status: 503 })));
    await vi.advanceTimersByTimeAsync(3000);
    expect(connection.lostAt).toBeNull();
  });

  it("is not asked for where the answer comes soon", async () => {
    const asked = vi.fn(answers);
    vi.stubGlobal("fetch", asked);
    await connection.answer(answers());
    await vi.advanceTimersByTimeAsync(40_000);
    expect(asked).not.toHaveBeenCalled();
  });
});
