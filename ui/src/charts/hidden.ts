/** Which series of a chart are not shown, as clicks on its legend make them. */

/** A click shows one alone, or all again; with a key it is shown or not, beside the others. */
export function withClick(
  names: readonly string[],
  hidden: ReadonlySet<string>,
  name: string,
  beside: boolean,
): ReadonlySet<string> {
  if (beside) {
    const next = new Set(hidden);
    if (!next.delete(name)) {
      next.add(name);
    }
    return next;
  }
  const alone = !hidden.has(name) && names.every((other) => other === name || hidden.has(other));
  return new Set(alone ? [] : names.filter((other) => other !== name));
}
