/** What a tooltip has room for. */

export const TIP_ROWS = 14;

/** Returns as many as there is room for; that which the pointer is on is always one of them. */
export function tipRows<T>(all: readonly T[], isNear: (one: T) => boolean, most = TIP_ROWS): T[] {
  const near = all.slice(most).find(isNear);
  return near === undefined ? all.slice(0, most) : [...all.slice(0, most - 1), near];
}
