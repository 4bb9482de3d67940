/** States over time: the spans of time in which a row shows one text in one colour. */

export interface State {
  /** Unix seconds. */
  from: number;
  to: number;
  text: string;
  /** CSS; null where nothing is to be drawn. */
  color: string | null;
}

export interface StateRow {
  name: string;
  states: State[];
}

/** What a value is shown as; null where there is none. */
export type Shown = { text: string; color: string | null } | null;

/**
 * Makes a row's states of its values.
 *
 * @param times Unix seconds, ascending, `step` apart; each value holds until the next.
 * @param merge values that are shown alike and follow each other are one state.
 */
export function makeStates(
  times: readonly number[],
  step: number,
  values: readonly Shown[],
  merge: boolean,
): State[] {
  const states: State[] = [];
  values.forEach((value, i) => {
    const from = times[i];
    if (value === null || from === undefined) {
      return;
    }
    const to = times[i + 1] ?? from + step;
    const before = states.at(-1);
    if (merge && before?.to === from && before.text === value.text && before.color === value.color) {
      before.to = to;
    } else {
      states.push({ from, to, ...value });
    }
  });
  return states;
}

/** Returns the state of a row at a moment, or null. */
export function stateAt(row: StateRow, time: number): State | null {
  return row.states.find((state) => time >= state.from && time < state.to) ?? null;
}
