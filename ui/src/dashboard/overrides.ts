/** Field overrides: what a dashboard sets for the fields that a matcher finds. */

import type { FieldConfig, FieldStyle, Override } from "../api/dashboards";
import { type DataFrame, type Field, numbers } from "../data/fields";
import { readPattern } from "./pattern";
import { reduceValues } from "./reduce";

/**
 * Returns the frames with the configuration of each field: the panel's, then each override that finds it.
 *
 * @param expand fills the variables of a display name, of the field that it is for.
 */
export function configure(
  frames: readonly DataFrame[],
  base: FieldConfig,
  overrides: readonly Override[],
  expand: (text: string, field: Field) => string = (text) => text,
): DataFrame[] {
  const matchers = overrides.map(({ matcher, set }) => ({ finds: finder(matcher), set }));
  return frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) => {
      let config = base;
      for (const { finds, set } of matchers) {
        if (finds(field, frame)) {
          config = changed(config, set);
        }
      }
      if (field.kind === "time") {
        config = timeConfig(config);
      }
      const title =
        config.display_name === "" || field.kind === "time"
          ? field.title
          : expand(config.display_name, field);
      return { ...field, config, title };
    }),
  }));
}

/** Times are written as such, whatever the unit of the values is. */
function timeConfig(config: FieldConfig): FieldConfig {
  const unit = /^(date|time:)/.test(config.unit) ? config.unit : "dateTimeAsIso";
  return { ...config, unit, decimals: null, mappings: [], color: { ...config.color, mode: "" } };
}

type Finds = (field: Field, frame: DataFrame) => boolean;

function finder(matcher: Override["matcher"]): Finds {
  switch (matcher.id) {
    case "byName":
      return (field) => field.title === matcher.options || field.name === matcher.options;
    case "byRegexp": {
      const pattern = readPattern(matcher.options);
      return (field) => pattern?.test(field.title) === true;
    }
    case "byFrameRefID":
      return (_, frame) => frame.refId === matcher.options;
    case "byType":
      return (field) => field.kind === matcher.options;
    case "byNames":
      return (field) => field.kind !== "time" && matcher.names.includes(field.title) !== matcher.exclude;
    case "byValue":
      return (field) => {
        const value = field.kind === "number" ? reduceValues(numbers(field), matcher.reducer) : null;
        return value !== null && compares(value, matcher.op, matcher.value);
      };
  }
}

export function compares(value: number, op: string, with_: number): boolean {
  switch (op) {
    case "gt":
    case ">":
      return value > with_;
    case "gte":
    case ">=":
      return value >= with_;
    case "lt":
    case "<":
      return value < with_;
    case "lte":
    case "<=":
      return value <= with_;
    case "neq":
    case "!=":
      return value !== with_;
    default:
      return value === with_;
  }
}

function changed(config: FieldConfig, set: Override["set"]): FieldConfig {
  const { custom = {}, ...rest } = set;
  return { ...config, ...rest, custom: styled(config.custom, custom) };
}

/** What is set of a group, such as an axis, leaves the rest of the group as it is. */
function styled(style: FieldStyle, set: Partial<FieldStyle>): FieldStyle {
  const entries = Object.entries(set).map(([name, value]) => {
    const before = style[name as keyof FieldStyle];
    const group =
      typeof value === "object" && value !== null && typeof before === "object" && before !== null;
    return [name, group ? { ...before, ...value } : value];
  });
  return { ...style, ...(Object.fromEntries(entries) as Partial<FieldStyle>) };
}
