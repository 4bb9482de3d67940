import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { get, getAhead } from "./http";

const fetched = vi.fn<(path: string, request: RequestInit) => Promise<Response>>(() =>
  Promise.resolve(new Response('{"n":1}')),
);
const signal = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetched);
  fetched.mockClear();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("what was asked for ahead is taken once", async () => {
  getAhead("/a");
  getAhead("/a");
  expect(await get("/a", {}, signal)).toEqual({ n: 1 });
  expect(fetched).toHaveBeenCalledTimes(1);
  expect(await get("/a", {}, signal)).toEqual({ n: 1 });
  expect(fetched).toHaveBeenCalledTimes(2);
});

test("an answer is not that of another question", async () => {
  getAhead("/a");
  await get("/a", { limit: 1 }, signal);
  expect(fetched.mock.calls.map(([path]) => path)).toEqual(["/a", "/a?limit=1"]);
  await get("/a", {}, signal);
});

test("what nobody takes is given up", async () => {
  getAhead("/b");
  vi.advanceTimersByTime(10_000);
  expect(fetched.mock.calls[0]?.[1].signal?.aborted).toBe(true);
  await get("/b", {}, signal);
  expect(fetched).toHaveBeenCalledTimes(2);
});
