/** What is wrong in a query, and where. */

export interface Problem {
  /** Offsets into the text. */
  from: number;
  to: number;
  severity: "error" | "warning" | "info";
  message: string;
}

/**
 * Finds the place that one of Prometheus' messages names: `1:5: parse error: …`, or `… (1:5)` in a warning.
 *
 * Lines count from 1, columns from 1 and in bytes of UTF-8. A message without a place is about the whole text.
 */
export function readProblem(text: string, message: string, severity: Problem["severity"] = "error"): Problem {
  const named = /(?:^|\s)(\d+):(\d+): /.exec(message) ?? /\((\d+):(\d+)\)\s*$/.exec(message);
  if (named === null) {
    return { from: 0, to: text.length, severity, message };
  }
  const from = offsetOf(text, Number(named[1]), Number(named[2]));
  return { from, to: wordEnd(text, from), severity, message };
}

function offsetOf(text: string, line: number, column: number): number {
  const lines = text.split("\n");
  if (line > lines.length) {
    return text.length;
  }
  const before = lines.slice(0, line - 1).reduce((total, one) => total + one.length + 1, 0);
  let bytes = column - 1;
  let units = 0;
  for (const character of lines[line - 1] ?? "") {
    bytes -= new TextEncoder().encode(character).length;
    if (bytes < 0) {
      break;
    }
    units += character.length;
  }
  return before + units;
}

/** The word at a place is marked, or the one sign there. */
function wordEnd(text: string, from: number): number {
  const word = /^[\w:]+/.exec(text.slice(from))?.[0].length ?? 1;
  return Math.min(text.length, from + Math.max(1, word));
}
