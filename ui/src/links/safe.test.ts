import { beforeAll, describe, expect, it, vi } from "vitest";

import { safeLink, safeUrl } from "./safe";

beforeAll(() => {
  vi.stubGlobal("location", { origin: "http://127.0.0.1:9090" });
});

const DANGEROUS = [
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  " \n javascript:alert(1)",
  "java\tscript:alert(1)",
  "\u0001javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:msgbox(1)",
  "blob:http://127.0.0.1:9090/x",
  "file:///etc/passwd",
  "view-source:http://a",
  "http://[bad",
];

describe("safeUrl", () => {
  it.each(DANGEROUS)("refuses %j", (text) => {
    expect(safeUrl(text)).toBeNull();
    expect(safeLink(text)).toBeNull();
  });
});

describe("safeLink", () => {
  it.each([
    ["https://example.org/a?b=c#d", "https://example.org/a?b=c#d"],
    ["HTTP://example.org", "http://example.org/"],
    ["mailto:a@example.org", "mailto:a@example.org"],
    ["/d/overview?range=1h", "/d/overview?range=1h"],
    ["http://127.0.0.1:9090/alerts", "/alerts"],
    // A word is no address, and two slashes are another machine's.
    ["runbook", null],
    ["//example.org/x", null],
    ["", null],
  ])("makes %j %j", (text, href) => {
    expect(safeLink(text)).toBe(href);
  });
});
