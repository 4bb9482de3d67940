/** Which fields have a column of their own in a list of lines, as the address has them. */

const USUAL = ["service"];
/** Stands for no column. */
const NONE = "-";
const MOST = 20;

/** Reads names parted by commas; a comma that belongs to a name has a backslash before it. */
export function readColumns(text: string | null): string[] {
  if (text === null) {
    return USUAL;
  }
  const names = (text.match(/(?:\\.|[^\\,])+/g) ?? []).map((one) => one.replace(/\\(.)/g, "$1"));
  return [...new Set(names)].filter((one) => one !== NONE).slice(0, MOST);
}

/** Shows a field's column, or hides it where it is shown; returns what the address has. */
export function toggledColumn(columns: string[], name: string): string {
  const changed = columns.includes(name) ? columns.filter((one) => one !== name) : [...columns, name];
  return changed.map((one) => one.replace(/[\\,]/g, "\\$&")).join(",") || NONE;
}
