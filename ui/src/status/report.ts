/** What a bug report needs to say of the observatory. */

import type { About } from "../api/status";

export function processors({ processors: count }: Pick<About, "processors">): string {
  return count === 1 ? "1 processor" : `${String(count ?? "?")} processors`;
}

export function reportText(about: About): string {
  const libraries = Object.entries(about.libraries).map(([name, version]) => `${name} ${version}`);
  return [
    `Accelerapp observatory ${about.version} (revision ${about.revision})`,
    `${about.python} on ${about.platform}`,
    `${processors(about)}, ${String(Math.round(about.memory_bytes / 2 ** 20))} MiB of memory`,
    `Browser: ${navigator.userAgent}`,
    `Libraries: ${libraries.join(", ")}`,
    "",
  ].join("\n");
}
