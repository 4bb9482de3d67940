/** How a value is shown: its text and its colour, by the field that it is of. */

import type { FieldConfig, ValueMapping } from "../api/dashboards";
import { formatValue } from "../format/number";
import { absoluteThresholds, cssValue, groundValue, textValue, valueColor } from "../charts/colors";
import { type Cell, type Field, numbers, toNumber } from "../data/fields";
import { readPattern } from "./pattern";
import { reduceValues } from "./reduce";

export interface Display {
  text: string;
  /** Grafana's name of a colour, or CSS; null where the value is not coloured. */
  color: string | null;
}

/** The least and the greatest value of a field, as the file sets them or as its values are. */
export interface Limits {
  low: number;
  high: number;
}

export function fieldLimits(fields: readonly Field[], config: FieldConfig): Limits {
  let { min: low, max: high } = config;
  for (const field of low === null || high === null ? fields : []) {
    const values = numbers(field).filter((value) => value === null || Number.isFinite(value));
    const [least, most] = [reduceValues(values, "min"), reduceValues(values, "max")];
    low = config.min ?? (least === null ? low : Math.min(low ?? least, least));
    high = config.max ?? (most === null ? high : Math.max(high ?? most, most));
  }
  return { low: low ?? 0, high: high ?? 100 };
}

const MISSING = "–";

/** Returns how a value is shown. `limits` are needed for percentages and scales alone. */
export function display(value: Cell, config: FieldConfig, limits: Limits = { low: 0, high: 100 }): Display {
  const number = toNumber(value);
  const mapping = mappingOf(value, config.mappings);
  const { low, high } = limits;
  const steps = absoluteThresholds(config.thresholds, low, high);
  return {
    text: mapping?.text ?? plainText(value, number, config),
    color: mapping?.color ?? valueColor(number, config.color, steps, low, high),
  };
}

function plainText(value: Cell, number: number | null, config: FieldConfig): string {
  if (value === null || (typeof value === "number" && Number.isNaN(value))) {
    return config.no_value ?? MISSING;
  }
  if (typeof value === "string") {
    // A text that reads as a number is one where the file gives it a unit.
    return number !== null && config.unit !== "" && config.unit !== "string" && config.unit !== "short"
      ? formatValue(number, config.unit, config.decimals)
      : value;
  }
  return typeof value === "boolean" ? String(value) : formatValue(value, config.unit, config.decimals);
}

/** Returns the first mapping that fits a value, its text filled in. */
export function mappingOf(
  value: Cell,
  mappings: readonly ValueMapping[],
): { text: string | null; color: string | null } | null {
  for (const mapping of mappings) {
    const text = fits(mapping, value);
    if (text !== false) {
      return { text: text === "" ? null : text, color: mapping.color };
    }
  }
  return null;
}

/** Returns the text where the mapping fits, "" for that of the value itself; false where it does not fit. */
function fits(mapping: ValueMapping, value: Cell): string | false {
  const text = mapping.text ?? "";
  const number = toNumber(value);
  switch (mapping.type) {
    case "value":
      return value !== null &&
        (String(value) === mapping.value || (mapping.value.trim() !== "" && Number(mapping.value) === number))
        ? text
        : false;
    case "range":
      return number !== null &&
        number >= (mapping.from ?? Number.NEGATIVE_INFINITY) &&
        number <= (mapping.to ?? Number.POSITIVE_INFINITY)
        ? text
        : false;
    case "regex": {
      const pattern = readPattern(mapping.pattern);
      const written = value === null ? "" : String(value);
      if (pattern === null || value === null || !pattern.test(written)) {
        return false;
      }
      return text === "" ? "" : written.replace(pattern, text);
    }
    case "special":
      return isSpecial(mapping.match, value) ? text : false;
  }
}

function isSpecial(match: string, value: Cell): boolean {
  const nan = typeof value === "number" && Number.isNaN(value);
  switch (match) {
    case "null":
      return value === null;
    case "nan":
      return nan;
    case "null+nan":
      return value === null || nan;
    case "true":
    case "false":
      return String(value) === match;
    default:
      return value === "";
  }
}

/** The colours of a value in CSS: of what is drawn, of a text (only the theme's hues are), and of a ground under one. */
export function displayColors(
  color: string | null,
  surface: string,
): { paint: string | null; ink: string | null; ground: string | null } {
  return color === null
    ? { paint: null, ink: null, ground: null }
    : { paint: cssValue(color, surface), ink: textValue(color), ground: groundValue(color, surface) };
}
