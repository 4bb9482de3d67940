import { describe, expect, it } from "vitest";

import { marksOf, segments } from "./marks";

/** The text with what is marked in brackets. */
function marked(query: string, text: string): string {
  return segments(text, marksOf(query))
    .map((one) => (one.hit ? `[${one.text}]` : one.text))
    .join("");
}

describe("marks", () => {
  it.each([
    ["connection", "Connection refused, connections", "[Connection] refused, connections"],
    ["connection refused", "refused connection", "[refused] [connection]"],
    ['"connection refused"', "connection - refused", "[connection - refused]"],
    ["conn*", "conn connect xconn", "[conn] [connect] xconn"],
    ["m?del", "model mdel", "[model] mdel"],
    ["body: (a or b) and c", "a b c", "[a] [b] [c]"],
    ["level: error and x", "error x", "error [x]"],
    ["level: (error or warn) x", "error warn x", "error warn [x]"],
    ["duration >= 5", "5", "5"],
    ["not a and b", "a b", "a [b]"],
    ["not (a or not b)", "a b", "a [b]"],
    ["+a -b c", "a b c", "[a] b [c]"],
    ["message: timeout", "timeout", "[timeout]"],
    ["10.0.0.1", "from 10.0.0.1 on", "from [10.0.0.1] on"],
    ["ärger", "Ärger ärgern", "[Ärger] ärgern"],
    ["*", "all", "all"],
    ["", "all", "all"],
    ['"open', "open", "[open]"],
    ["a\\*b", "a*b ab", "[a*b] ab"],
    ["c**n", "connection cn", "[connection] [cn]"],
    ["a*b*c*d", "axbxcxd", "axbxcxd"],
    ["error", "\u001b[31mERR\u001b[1mOR\u001b[0m x", "[ERR][OR] x"],
  ])("of %s in %s", (query, text, want) => {
    expect(marked(query, text)).toBe(want);
  });

  it("of many wildcards do not hold the page up", () => {
    const text = "a".repeat(20_000);
    const began = performance.now();
    segments(text, marksOf("a*a*a*a*a*a*a*b or a*a*b"));
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it("keep the whole text", () => {
    const text = "a b a b".repeat(300);
    expect(
      segments(text, marksOf("a"))
        .map((one) => one.text)
        .join(""),
    ).toBe(text);
  });
});
