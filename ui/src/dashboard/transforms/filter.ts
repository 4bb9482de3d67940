/** Rows by the values in them. */

import { type Cell, type DataFrame, toNumber } from "../../data/fields";
import { isObject, list, object, type Options, text } from "../options";
import { asSearch, readPattern } from "../pattern";
import { named } from "./columns";
import { rowIndexes, take } from "./rows";

export function filterByValue(frames: DataFrame[], options: Options): DataFrame[] {
  const filters = list(options["filters"]).filter(isObject);
  const exclude = options["type"] === "exclude";
  const all = options["match"] === "all";
  return frames.map((frame) => {
    const tests = filters.flatMap((filter) => {
      const field = frame.fields.find((one) => named(one, text(filter["fieldName"])));
      const config = object(filter["config"]);
      return field === undefined
        ? []
        : [(row: number) => meets(field.values[row] ?? null, text(config["id"]), object(config["options"]))];
    });
    if (tests.length === 0) {
      return frame;
    }
    const kept = rowIndexes(frame).filter(
      (row) => (all ? tests.every((one) => one(row)) : tests.some((one) => one(row))) !== exclude,
    );
    return take(frame, kept);
  });
}

function meets(cell: Cell, id: string, options: Options): boolean {
  const value = options["value"];
  const number = toNumber(cell);
  const other = toNumber(value as Cell);
  const both = (test: (a: number, b: number) => boolean): boolean =>
    number !== null && other !== null && test(number, other);
  switch (id) {
    case "isNull":
      return cell === null;
    case "isNotNull":
      return cell !== null;
    case "greater":
      return both((a, b) => a > b);
    case "greaterOrEqual":
      return both((a, b) => a >= b);
    case "lower":
      return both((a, b) => a < b);
    case "lowerOrEqual":
      return both((a, b) => a <= b);
    case "between":
      return number !== null && number > Number(options["from"]) && number < Number(options["to"]);
    case "equal":
      return String(cell) === String(value);
    case "notEqual":
      return String(cell) !== String(value);
    case "regex":
      return readPattern(asSearch(text(value)))?.test(String(cell)) === true;
    case "substring":
      return String(cell).toLowerCase().includes(text(value).toLowerCase());
    case "notSubstring":
      return !String(cell).toLowerCase().includes(text(value).toLowerCase());
    default:
      return true;
  }
}
