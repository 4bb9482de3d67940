import { getFunction } from "@prometheus-io/codemirror-promql/dist/esm/types";
import {
  aggregateOpTerms,
  functionIdentifierTerms,
} from "@prometheus-io/codemirror-promql/dist/esm/complete/promql.terms";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";

import { isAggregation, KNOWN, parameterAt, signatureOf } from "./signatures";

/** What Prometheus' own editor offers and the observatory refuses: it is behind a feature flag. */
const EXPERIMENTAL =
  /^(double_exponential_smoothing|end|histogram_quantiles|info|limit.*|mad_over_time|range|sort_by.*|start.*|step|ts_of_.*)$/;

const theirs = (terms: readonly { label: string }[]): string[] =>
  terms.map((one) => one.label).filter((name) => !EXPERIMENTAL.test(name));

/** The types that Prometheus' editor knows of a function, by its node in the grammar. */
function typesOf(name: string): { argTypes: string[]; variadic: number } | undefined {
  const node = parser.nodeSet.types.find((type) => type.name.toLowerCase() === name.replaceAll("_", ""));
  return node === undefined ? undefined : getFunction(node.id);
}

const SHORT = { "instant vector": "vector", "range vector": "matrix", scalar: "scalar", string: "string" };

describe("signatures", () => {
  it("are there for each function and aggregation, and for no other", () => {
    expect([...KNOWN].sort()).toEqual(
      [...theirs(functionIdentifierTerms), ...theirs(aggregateOpTerms)].sort(),
    );
    expect(theirs(aggregateOpTerms).every(isAggregation)).toBe(true);
  });

  it.each(KNOWN.filter((name) => !isAggregation(name)))("%s takes what Prometheus says", (name) => {
    const { argTypes, variadic } = typesOf(name) ?? { argTypes: ["?"], variadic: 0 };
    const parameters = signatureOf(name)?.parameters ?? [];
    expect(parameters.map((one) => SHORT[one.type])).toEqual(argTypes);
    expect(parameters.at(-1)?.optional ?? false).toBe(variadic === 1);
    expect(parameters.at(-1)?.repeated ?? false).toBe(variadic < 0);
  });

  it.each(KNOWN)("%s is told in one sentence", (name) => {
    expect(signatureOf(name)?.text).toMatch(/^[^.]+\.$/);
  });

  it("are not there for what is no function", () => {
    expect(signatureOf("ratee")).toBeNull();
    expect(signatureOf("constructor")).toBeNull();
  });

  it("know the parameter of an argument", () => {
    const at = (name: string, argument: number): number | null => {
      const signature = signatureOf(name);
      return signature === null ? null : parameterAt(signature, argument);
    };
    expect([at("rate", 0), at("rate", 1), at("time", 0)]).toEqual([0, null, null]);
    expect([at("label_join", 2), at("label_join", 3), at("label_join", 9)]).toEqual([2, 3, 3]);
  });
});
