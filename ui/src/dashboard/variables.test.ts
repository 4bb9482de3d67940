import { describe, expect, it } from "vitest";

import type { Variable } from "../api/dashboards";
import { ALL, choose, makeOptions, replaceVariables, variablesIn, type Chosen } from "./variables";

const chosen = (values: string[], more: Partial<Chosen> = {}): Chosen => ({
  values,
  texts: values,
  all: false,
  allValue: "",
  many: false,
  ...more,
});

const values = new Map([
  ["one", chosen(["a.b"])],
  ["quoted", chosen(['say "x" \\ y'])],
  ["many", chosen(["a.b", "c|d"], { many: true })],
  ["lone", chosen(["a.b"], { many: true })],
  ["all", chosen(["a", "b"], { many: true, all: true })],
  ["every", chosen(["a", "b"], { many: true, all: true, allValue: ".*" })],
]);

describe("replaceVariables", () => {
  it.each([
    ["$one ${one} [[one]]", "a.b a.b a.b"],
    ['up{a="$one"}', 'up{a="a.b"}'],
    ['up{a="$quoted"}', 'up{a="say \\"x\\" \\\\ y"}'],
    ['up{a=~"$many"}', 'up{a=~"(a\\\\.b|c\\\\|d)"}'],
    ['up{a=~"$lone"}', 'up{a=~"a\\\\.b"}'],
    ['up{a=~"$all"}', 'up{a=~"(a|b)"}'],
    ['up{a=~"$every"}', 'up{a=~".*"}'],
    ["$one$one", "a.ba.b"],
    ["$onerous ${unknown:csv}", "$onerous ${unknown:csv}"],
    ["costs $5 and 50$", "costs $5 and 50$"],
  ])("puts values into a query: %s", (text, expected) => {
    expect(replaceVariables(text, values, "prometheus")).toBe(expected);
  });

  it.each([
    ["${many:regex}", "(a\\.b|c\\|d)"],
    ["${one:regex}", "a\\.b"],
    ["${many:pipe}", "a.b|c|d"],
    ["${many:csv}", "a.b,c|d"],
    ["${many:raw}", "a.b,c|d"],
    ["${many:glob}", "{a.b,c|d}"],
    ["${many:json}", '["a.b","c|d"]'],
    ["${one:json}", '"a.b"'],
    ["${many:singlequote}", "'a.b','c|d'"],
    ["${many:doublequote}", '"a.b","c|d"'],
    ["${many:sqlstring}", "'a.b','c|d'"],
    ["${many:queryparam}", "var-many=a.b&var-many=c%7Cd"],
    ["${every:queryparam}", `var-every=${encodeURIComponent(ALL)}`],
    ["${many:percentencode}", "%7Ba.b%2Cc%7Cd%7D"],
    ["${many:distributed}", "a.b,many=c|d"],
    ["${many:lucene}", '("a.b" OR "c|d")'],
    ["${quoted:html}", "say &quot;x&quot; \\ y"],
    ["${every:text}", "All"],
    ["[[many:pipe]]", "a.b|c|d"],
    ["${every:pipe}", ".*"],
  ])("writes %s as %s", (text, expected) => {
    expect(replaceVariables(text, values)).toBe(expected);
  });

  it("does not replace what a value looks like", () => {
    const odd = new Map([
      ["a", chosen(["$b"])],
      ["b", chosen(["x"])],
    ]);
    expect(replaceVariables("$a", odd)).toBe("$b");
  });

  it("asks for the names of Grafana's own with their path and format", () => {
    const asked: string[][] = [];
    const text = replaceVariables(
      "${__field.labels.job} ${__from:date:iso} $__range",
      values,
      "plain",
      (...parts) => {
        asked.push(parts);
        return "x";
      },
    );
    expect(text).toBe("x x x");
    expect(asked).toEqual([
      ["__field", "labels.job", ""],
      ["__from", "", "date:iso"],
      ["__range", "", ""],
    ]);
  });

  it("names the variables of a text once", () => {
    expect(variablesIn("$a ${b:csv} [[a]] $__interval")).toEqual(["a", "b", "__interval"]);
  });
});

const variable = (more: Partial<Variable> = {}): Variable => ({
  name: "v",
  label: "v",
  description: "",
  type: "query",
  hide: "",
  multi: false,
  include_all: false,
  all_value: "",
  query: null,
  options: [],
  current: [],
  regex: "",
  sort: { by: "none", desc: false },
  auto: null,
  ...more,
});

const options = ["a", "b", "c"].map((text) => ({ text: text.toUpperCase(), value: text }));

describe("choose", () => {
  it.each([
    ["the file's choice", { current: ["b"] }, null, ["b"]],
    ["the first where the file's is not there", { current: ["gone"] }, null, ["a"]],
    ["what the address says, though it is not among them", {}, ["gone"], ["gone"]],
    ["one of several where only one may be", {}, ["b", "c"], ["b"]],
    ["several", { multi: true }, ["b", "c"], ["b", "c"]],
    ["each once", { multi: true }, ["b", "c", "b", "B"], ["b", "c"]],
    ["one by its text", {}, ["C"], ["c"]],
    ["all", { include_all: true }, [ALL], ["a", "b", "c"]],
    ["all by the file", { include_all: true, current: [ALL] }, null, ["a", "b", "c"]],
  ])("takes %s", (_, more: Partial<Variable>, wished, expected) => {
    expect(choose(variable(more), options, wished).values).toEqual(expected);
  });

  it("has no value where there are no options", () => {
    expect(choose(variable(), [], null).values).toEqual([]);
  });

  it("is a comparison with several values where there may be several", () => {
    expect(choose(variable({ multi: true }), options, ["a"]).many).toBe(true);
    expect(choose(variable(), options, ["a"]).many).toBe(false);
  });
});

describe("makeOptions", () => {
  const texts = (more: Partial<Variable>, found: string[]): string[] =>
    makeOptions(variable(more), found).map((one) => one.text);

  it("takes each once, in the order of the answer", () => {
    expect(texts({}, ["b", "a", "b"])).toEqual(["b", "a"]);
  });

  it.each([
    ["/^n-(.*)$/", ["n-1", "x", "n-2"], ["1", "2"]],
    ["/x/", ["axb", "b"], ["x"]],
    ["a.*", ["ab", "ba"], ["ab"]],
    ["/(\\w)=\\d/g", ["a=1 b=2"], ["a", "b"]],
  ])("takes what the pattern %s matches", (regex, found, expected) => {
    expect(texts({ regex }, found)).toEqual(expected);
  });

  it("takes text and value by the names of groups", () => {
    const regex = '/name="(?<text>[^"]+)".*id="(?<value>[^"]+)"/';
    expect(makeOptions(variable({ regex }), ['x{name="N",id="7"} 1'])).toEqual([{ text: "N", value: "7" }]);
  });

  it("says which pattern is none", () => {
    expect(() => makeOptions(variable({ regex: "/(/" }), ["a"])).toThrow("/(/");
  });

  it.each([
    ["alpha", false, ["a10", "a9", "b1"]],
    ["alpha", true, ["b1", "a9", "a10"]],
    ["number", false, ["b1", "a9", "a10"]],
    ["natural", false, ["a9", "a10", "b1"]],
  ] as const)("sorts by %s, descending: %s", (by, desc, expected) => {
    expect(texts({ sort: { by, desc } }, ["a9", "b1", "a10"])).toEqual(expected);
  });
});
