/** What can be chosen of a dashboard's variables: asked one after another where one depends on another. */

import type { Dashboard, Variable, VariableOption } from "../api/dashboards";
import {
  evaluate,
  getLabelNames,
  getLabelValues,
  getSeries,
  type Labels,
  type SeriesScope,
} from "../api/metrics";
import { seriesName } from "../format/legend";
import { builtIns, readSeconds, scaled, writeSeconds, type Shown } from "./queries";
import {
  choose,
  makeOptions,
  parsePattern,
  replaceVariables,
  variablesIn,
  type Chosen,
  type Values,
} from "./variables";

/** A variable as it stands: what there is, what is chosen, and what went wrong where something did. */
export interface Settled {
  variable: Variable;
  options: VariableOption[];
  chosen: Chosen;
  error: string;
}

export const MOST_OPTIONS = 5000;

/**
 * Settles all variables of a dashboard.
 *
 * @param wished what is chosen of each by its name; null where the file's own choice holds.
 * @param strict names of those whose choice must be among the options.
 */
export async function settle(
  dashboard: Dashboard,
  wished: (name: string) => string[] | null,
  strict: ReadonlySet<string>,
  shown: Shown,
  signal: AbortSignal,
): Promise<Settled[]> {
  const { variables } = dashboard;
  const byName = new Map(variables.map((one) => [one.name, one]));
  const begun = new Map<string, Promise<Settled>>();

  const begin = (variable: Variable, above: string[]): Promise<Settled> => {
    const before = begun.get(variable.name);
    if (before !== undefined) {
      return before;
    }
    const promise = settleOne(variable, [...above, variable.name]);
    begun.set(variable.name, promise);
    return promise;
  };

  const settleOne = async (variable: Variable, path: string[]): Promise<Settled> => {
    // One that depends on itself over others takes those as they are written.
    const needed = dependencies(variable).flatMap((name) =>
      path.includes(name) ? [] : (byName.get(name) ?? []),
    );
    // All are begun before any is awaited: only so is every circle seen, and no two of it wait for each other.
    const settled = await Promise.all(needed.map((other) => begin(other, path)));
    const values = new Map(settled.map((one): [string, Chosen] => [one.variable.name, one.chosen]));
    const wish = wished(variable.name);
    try {
      const options = await optionsOf(variable, values, dashboard, shown, signal);
      const kept = strict.has(variable.name) ? among(wish, options) : wish;
      return { variable, options, chosen: chooseOf(variable, options, kept, dashboard, shown), error: "" };
    } catch (error) {
      if (signal.aborted) {
        throw error;
      }
      const said = error instanceof Error ? error.message : String(error);
      const stored = variable.options;
      return {
        variable,
        options: stored,
        chosen: choose(variable, stored, wish ?? variable.current),
        error: said,
      };
    }
  };

  return Promise.all(variables.map((variable) => begin(variable, [])));
}

/** The names of the variables that a variable's query holds. */
export function dependencies(variable: Variable): string[] {
  return variable.query === null
    ? []
    : variablesIn(`${variable.query.text} ${variable.query.label} ${variable.regex}`);
}

/** The names of the variables whose options depend on one, over others too. */
export function dependants(variables: Variable[], name: string): Set<string> {
  const found = new Set<string>();
  const look = (changed: string): void => {
    for (const one of variables) {
      if (!found.has(one.name) && one.name !== name && dependencies(one).includes(changed)) {
        found.add(one.name);
        look(one.name);
      }
    }
  };
  look(name);
  return found;
}

function among(wish: string[] | null, options: VariableOption[]): string[] | null {
  const kept = wish?.filter((value) => value.startsWith("$__") || options.some((one) => one.value === value));
  return kept === undefined || kept.length === 0 ? null : kept;
}

function chooseOf(
  variable: Variable,
  options: VariableOption[],
  wish: string[] | null,
  dashboard: Dashboard,
  shown: Shown,
): Chosen {
  const chosen = choose(variable, options, wish);
  if (variable.type !== "interval" || chosen.values[0] !== AUTO) {
    return chosen;
  }
  return { ...chosen, values: [autoInterval(variable, dashboard, shown)] };
}

export const AUTO = "$__auto";

/** Returns the step that parts the range into about as many as the file says, as it would be written in the file. */
function autoInterval(variable: Variable, dashboard: Dashboard, shown: Shown): string {
  const width = ((shown.to - shown.from) / 1000) * dashboard.time_factor;
  const wanted = width / (variable.auto?.count ?? 30);
  const nice = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
  ];
  const step = nice.find((one) => one >= wanted) ?? Math.ceil(wanted / 86_400) * 86_400;
  return writeSeconds(Math.max(step, readSeconds(variable.auto?.min ?? "") ?? 0));
}

async function optionsOf(
  variable: Variable,
  values: Values,
  dashboard: Dashboard,
  shown: Shown,
  signal: AbortSignal,
): Promise<VariableOption[]> {
  if (variable.type === "interval" && variable.auto !== null) {
    return [{ text: "auto", value: AUTO }, ...variable.options];
  }
  if (variable.query === null) {
    return variable.options;
  }
  const found = await ask(variable, values, dashboard, shown, signal);
  const regex = replaceVariables(variable.regex, values, "regex");
  return makeOptions({ ...variable, regex }, found).slice(0, MOST_OPTIONS);
}

async function ask(
  variable: Variable,
  values: Values,
  dashboard: Dashboard,
  shown: Shown,
  signal: AbortSignal,
): Promise<string[]> {
  const query = variable.query;
  if (query === null) {
    return [];
  }
  const given = builtIns(shown, dashboard.scrape_interval / dashboard.time_factor, {
    dashboard,
    values,
    key: "",
  });
  const text = replaceVariables(query.text, values, "prometheus", given);
  const scope: SeriesScope = {
    match: text,
    start: shown.from / 1000,
    end: shown.to / 1000,
    limit: MOST_OPTIONS,
  };
  switch (query.kind) {
    case "label_values":
      return (await getLabelValues(replaceVariables(query.label, values), scope, signal)).data;
    case "label_names":
      return (await getLabelNames(scope, signal)).data;
    case "metrics": {
      const pattern = parsePattern(`/${text}/`);
      const names = await getLabelValues("__name__", { ...scope, match: "" }, signal);
      return names.data.filter((name) => pattern?.test(name) !== false);
    }
    case "series":
      return (await getSeries(scope, signal)).data.map(seriesText);
    case "query_result":
      return resultTexts(await scaled(text, dashboard, signal), shown, signal);
  }
}

/** As Grafana writes a sample, for the variable's pattern to take a part of it. */
async function resultTexts(query: string, shown: Shown, signal: AbortSignal): Promise<string[]> {
  const time = shown.to / 1000;
  const { data } = await evaluate(query, time, MOST_OPTIONS, signal);
  if (data.resultType === "vector") {
    return data.result.map(
      ({ metric, value }) => `${seriesText(metric)} ${value?.[1] ?? ""} ${String(Math.round(time * 1000))}`,
    );
  }
  return data.resultType === "matrix" ? [] : [data.result[1]];
}

function seriesText(metric: Labels): string {
  return seriesName(metric).replace(/", (?=\w+=)/g, '",');
}
