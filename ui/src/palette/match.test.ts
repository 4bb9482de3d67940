import { describe, expect, it } from "vitest";

import { cut, rank, wordStarts } from "./match";

const titles = (query: string, ...list: string[]): string[] =>
  rank(
    query,
    list.map((title) => ({ title })),
  ).map(({ item }) => item.title);

describe("rank", () => {
  it("keeps the given order where nothing is typed", () => {
    expect(titles("  ", "Traces of shop", "Logs")).toEqual(["Traces of shop", "Logs"]);
  });

  it.each<[string, string[], string[]]>([
    // a whole word before the beginning of one, before a part of one
    ["log", ["Catalogue", "Logstash", "Show the log"], ["Show the log", "Logstash", "Catalogue"]],
    ["logs shop", ["Logs of shop", "Traces of shop", "Logs of bank"], ["Logs of shop"]],
    ["shop logs", ["Logs of shop"], ["Logs of shop"]],
    // initials, of words and of capitals
    ["her", ["HighErrorRate", "Where"], ["HighErrorRate", "Where"]],
    ["ad", ["All dashboards", "Thread"], ["All dashboards", "Thread"]],
    // letters that are left out
    ["ovrvw", ["Over the window", "Overview"], ["Overview"]],
    [
      "http_req",
      ["http_server_requests", "http_requests_total"],
      ["http_requests_total", "http_server_requests"],
    ],
    ["x", ["Exit", "Box"], []],
    ["trcaes", ["Traces"], []],
  ])("finds by %j", (query, given, found) => {
    expect(titles(query, ...given)).toEqual(found);
  });

  it("prefers the shorter of what fits alike, and the given order of what is as long", () => {
    expect(titles("err", "Error rate of the shop", "Errors", "Error b", "Error a")).toEqual([
      "Errors",
      "Error b",
      "Error a",
      "Error rate of the shop",
    ]);
  });

  it("finds by what is about the thing, for less", () => {
    const found = rank("dark", [
      { title: "Settings", about: "theme dark light" },
      { title: "Dark theme", about: "" },
    ]);
    expect(found.map(({ item }) => item.title)).toEqual(["Dark theme", "Settings"]);
    expect(found[1]?.marks).toEqual([]);
  });

  it("does not find by scattered letters of what is about the thing", () => {
    expect(rank("tml", [{ title: "Settings", about: "theme dark light" }])).toEqual([]);
  });

  it("marks what was meant", () => {
    const marked = (query: string, title: string): string =>
      cut(title, rank(query, [{ title }])[0]?.marks ?? [])
        .map(({ text, marked }) => (marked ? `[${text}]` : text))
        .join("");
    expect(marked("of shop", "Logs of shop")).toBe("Logs [of] [shop]");
    expect(marked("her", "HighErrorRate")).toBe("[H]igh[E]rror[R]ate");
    expect(marked("lo log", "Logs")).toBe("[Log]s");
  });
});

describe("wordStarts", () => {
  it.each([
    ["HighErrorRate", [0, 4, 9]],
    ["http_requests_total", [0, 5, 14]],
    ["p99 of HTTPServer", [0, 1, 4, 7]],
    ["Übersicht älter", [0, 10]],
  ])("of %j", (text, starts) => {
    expect(wordStarts(text)).toEqual(starts);
  });
});
