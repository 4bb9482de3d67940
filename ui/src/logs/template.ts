/** The text of a pattern, cut into what its lines share and what varies. */

import { withoutSequences } from "./ansi";

export interface Piece {
  text: string;
  varies: boolean;
}

const COLOR_THAT_VARIES = new RegExp(`${String.fromCharCode(27)}\\[(?:[0-9;]|<num>)*m`, "g");

export function pieces(pattern: string): Piece[] {
  // The last number of a colour may have been taken for one that varies.
  return withoutSequences(pattern.replace(COLOR_THAT_VARIES, ""))
    .split(/(<(?:\*|time|uuid|ip|hex|num|rest)>)/)
    .map((text, i) => ({ text: text === "<rest>" ? "…" : text, varies: i % 2 === 1 }))
    .filter((one) => one.text !== "");
}
