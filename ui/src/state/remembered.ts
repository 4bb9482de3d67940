/** What the browser keeps for this reader from one visit to the next; nothing where it may not. */

const PREFIX = "accelerapp.";

/** Returns what was kept under a name; undefined where there is nothing, or nothing that can be read. */
export function recall(name: string): unknown {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Keeps a value under a name; undefined forgets it. */
export function remember(name: string, value: unknown): void {
  try {
    if (value === undefined) {
      localStorage.removeItem(PREFIX + name);
    } else {
      localStorage.setItem(PREFIX + name, JSON.stringify(value));
    }
  } catch {
    // Storage is full or forbidden: the choice holds until the page is closed.
  }
}

/** Returns those strings that were kept in a list under a name. */
export function recallStrings(name: string): string[] {
  const kept = recall(name);
  return Array.isArray(kept) ? kept.filter((one): one is string => typeof one === "string") : [];
}
