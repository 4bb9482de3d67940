/** The text of a pattern, cut into what its lines share and what varies. */

export interface Piece {
  text: string;
  varies: boolean;
}

export function pieces(pattern: string): Piece[] {
  return pattern
    .split(/(<(?:\*|time|uuid|ip|hex|num|rest)>)/)
    .map((text, i) => ({ text: text === "<rest>" ? "…" : text, varies: i % 2 === 1 }))
    .filter((one) => one.text !== "");
}
