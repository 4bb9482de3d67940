import { describe, expect, it } from "vitest";

import { dropPane, letter, type Pane, readPane, RIGHT, writePane } from "./state";

const read = (text: string, prefix = ""): Pane => readPane(new URLSearchParams(text), prefix);

describe("readPane", () => {
  it("has one empty query where there is none", () => {
    const pane = read("");
    expect(pane.lang).toBe("metrics");
    expect(pane.queries).toEqual([{ expr: "", legend: "", hidden: false }]);
  });

  it("gives queries their options by letter", () => {
    const pane = read("expr=up&expr=rate(x[5m])&B.legend={{job}}&B.hide=1");
    expect(pane.queries).toEqual([
      { expr: "up", legend: "", hidden: false },
      { expr: "rate(x[5m])", legend: "{{job}}", hidden: true },
    ]);
  });

  it("takes what others link to", () => {
    expect(read("lang=logs&query=level:error&range=1h").text).toBe("level:error");
    expect(read("lang=traces&query=service=a").lang).toBe("traces");
  });

  it("breaks lines as an editor does", () => {
    expect(read("expr=up%0D%0A%2B1").queries[0]?.expr).toBe("up\n+1");
    expect(read("lang=logs&query=a%0Db").text).toBe("a\nb");
  });

  it("leaves out what makes no sense", () => {
    const pane = read("lang=sql&draw=pie&show=all");
    expect([pane.lang, pane.draw, pane.show]).toEqual(["metrics", "lines", "both"]);
  });

  it("reads at most as many queries as there are letters", () => {
    const pane = read(Array.from({ length: 40 }, () => "expr=up").join("&"));
    expect(pane.queries).toHaveLength(26);
    expect(letter(25)).toBe("Z");
  });
});

describe("writePane", () => {
  const whole =
    "range=1h&expr=a&expr=b%2Bc&A.legend=x&B.hide=1&show=table&draw=bars&unit=s&step=30s&threshold=5&raw=1";

  it("is what reading undoes", () => {
    const params = new URLSearchParams(whole);
    const pane = readPane(params, "");
    const again = writePane(params, "", pane);
    expect(readPane(again, "")).toEqual(pane);
    expect(again.get("range")).toBe("1h");
  });

  it("writes nothing that is as usual", () => {
    expect(writePane(new URLSearchParams("range=5m"), "", read("")).toString()).toBe("range=5m");
  });

  it("keeps an empty query between others", () => {
    const pane = read("expr=a&expr=&expr=c");
    expect(readPane(writePane(new URLSearchParams(), "", pane), "").queries.map((one) => one.expr)).toEqual([
      "a",
      "",
      "c",
    ]);
  });

  it("keeps two panes apart", () => {
    const params = writePane(new URLSearchParams("expr=left&range=1h"), RIGHT, {
      ...read(""),
      lang: "logs",
      text: "level:error",
    });
    expect(readPane(params, "").queries[0]?.expr).toBe("left");
    expect(readPane(params, RIGHT).text).toBe("level:error");
    expect(dropPane(params, RIGHT).toString()).toBe("expr=left&range=1h");
    expect(dropPane(params, "").get("right.query")).toBe("level:error");
  });

  it("leaves no option of a query that is gone", () => {
    const params = new URLSearchParams("expr=a&expr=b&B.legend=x");
    const pane = readPane(params, "");
    const written = writePane(params, "", { ...pane, queries: pane.queries.slice(0, 1) });
    expect(written.toString()).toBe("expr=a");
  });
});
