/** Where the rows of a list stand that have heights of their own. */

/** Returns where each row begins, and last where the list ends, in pixels. */
export function placesOf(
  keys: readonly string[],
  heights: ReadonlyMap<string, number>,
  usual: number,
): Float64Array {
  const places = new Float64Array(keys.length + 1);
  let at = 0;
  for (let i = 0; i < keys.length; i += 1) {
    places[i] = at;
    at += heights.size === 0 ? usual : (heights.get(keys[i] ?? "") ?? usual);
  }
  places[keys.length] = at;
  return places;
}

/** Returns the row at a distance from the list's beginning, the first or the last where it lies outside. */
export function rowAt(places: Float64Array, distance: number): number {
  let low = 0;
  let high = Math.max(0, places.length - 2);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((places[middle] ?? 0) <= distance) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}
