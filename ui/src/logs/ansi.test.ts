import { describe, expect, it } from "vitest";

import { runsOf, withoutSequences } from "./ansi";

const E = "\u001b";

/** The runs of a text, each with its look in brackets. */
function told(text: string): string {
  return runsOf(text)
    .map((one) => (one.style === "" ? one.text : `[${one.style}: ${one.text}]`))
    .join("");
}

describe("the colours of terminals", () => {
  it.each([
    ["plain", "plain"],
    [`${E}[32mINFO${E}[0m started`, "[green: INFO] started"],
    [`${E}[1;31mbad${E}[22m red${E}[39m none`, "[red bold: bad][red:  red] none"],
    [`${E}[m${E}[91mbright${E}[mend`, "[red: bright]end"],
    [`${E}[38;5;4ma${E}[38;5;12mb${E}[38;5;200mc`, "[blue: a][blue: b]c"],
    [`${E}[38;2;1;31;3mtrue ${E}[48;5;1mcolour`, "true colour"],
    [`${E}[3;4mx${E}[24my${E}[23mz`, "[italic underline: x][italic: y]z"],
    [`${E}[2K${E}[1Gprogress`, "progress"],
    [`${E}]8;;https://a.example${E}\\link${E}]8;;${E}\\`, "link"],
    [`${E}]0;title\u0007x`, "x"],
    [`cut ${E}[3`, `cut ${E}[3`],
  ])("of %j", (text, want) => {
    expect(told(text)).toBe(want);
  });

  it("are left out of what is text alone", () => {
    expect(withoutSequences(`${E}[32mINFO${E}[0m x`)).toBe("INFO x");
  });

  it("are read in time whatever follows the escape", () => {
    const text = `${E}]`.repeat(50_000) + `${E}[`.repeat(50_000) + "1;".repeat(50_000);
    const began = performance.now();
    runsOf(text);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
