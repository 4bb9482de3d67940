import { describe, expect, it, vi } from "vitest";

const gone: string[] = [];
vi.mock("../state/router.svelte", () => ({ router: { go: (href: string) => gone.push(href) } }));

const { searches, traceIn } = await import("./places");

const leads = (commands: { title: string; run: () => void }[]): [string, string][] =>
  commands.map(({ title, run }) => {
    run();
    return [title, decodeURIComponent(gone.pop() ?? "")];
  });

describe("searches", () => {
  it("are for the text as it stands, and by it as a query where it may be one", () => {
    expect(leads(searches(" cannot be reached "))[0]).toEqual([
      "Search logs for cannot be reached",
      '/logs?query="cannot be reached"',
    ]);
    const line = 'GET "/a": C:\\tmp (timeout)';
    expect(leads(searches(line)).slice(0, 2)).toEqual([
      [`Search logs for ${line}`, '/logs?query="GET \\"/a\\": C:\\\\tmp (timeout)"'],
      [`Search logs by the query ${line}`, `/logs?query=${line}`],
    ]);
    expect(searches(" ")).toEqual([]);
  });

  it("are also for the request whose id may have been typed", () => {
    expect(leads(searches("req-5583c9"))[0]).toEqual([
      "Search logs for req-5583c9",
      '/logs?query="req-5583c9" or correlation_id: "req-5583c9"',
    ]);
    for (const text of ["timeout", "a1", "took 250 ms"]) {
      expect(leads(searches(text))[0]?.[1]).toBe(`/logs?query="${text}"`);
    }
  });
});

describe("traceIn", () => {
  const ID = "0af7651916cd43dd8448eb211c80319c";

  it.each([ID, ID.toUpperCase(), ` 00-${ID}-b7ad6b7169203331-01`, "0af76519-16cd-43dd-8448-eb211c80319c"])(
    "finds the id in %j",
    (text) => {
      expect(leads(traceIn(text))).toEqual([[`Trace ${ID}`, `/trace/${ID}`]]);
    },
  );

  it("fills up an id of 64 bits, and takes nothing else for one", () => {
    expect(leads(traceIn("b7ad6b7169203331"))[0]?.[1]).toBe("/trace/0000000000000000b7ad6b7169203331");
    expect(traceIn("deadbeef")).toEqual([]);
    expect(traceIn(`${ID}00`)).toEqual([]);
  });
});
