/** Colours of services: the same on every view as far as the theme's colours reach. */

import { SERIES_COLORS, seriesVar } from "../charts/colors";

/**
 * Returns the custom property that colours each service.
 *
 * A service's colour is chosen by its name, so that it is the same wherever it is shown; where another of the services
 * has it already, the next that is free is taken, as long as there is one.
 */
export function serviceColors(services: Iterable<string>): Map<string, string> {
  const colors = new Map<string, string>();
  const taken = new Set<number>();
  for (const service of [...new Set(services)].sort()) {
    let slot = hash(service) % SERIES_COLORS;
    while (taken.size < SERIES_COLORS && taken.has(slot)) {
      slot = (slot + 1) % SERIES_COLORS;
    }
    taken.add(slot);
    colors.set(service, seriesVar(slot));
  }
  return colors;
}

/** FNV-1a, of 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return value;
}
