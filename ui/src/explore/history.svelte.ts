/** The history of queries, kept in the browser's storage and shared by both panes. */

import { type Entries, noEntries, readEntries, withRun, withStar } from "./history";
import type { Lang } from "./state";

const KEY = "accelerapp.explore.history";

class History {
  entries = $state.raw<Entries>(load() ?? noEntries());

  /** Notes that a query was run. */
  ran(lang: Lang, text: string): void {
    if (text.trim() !== "") {
      this.#change((entries) => ({ ...entries, [lang]: withRun(entries[lang], text, Date.now()) }));
    }
  }

  star(lang: Lang, text: string): void {
    this.#change((entries) => ({ ...entries, [lang]: withStar(entries[lang], text) }));
  }

  /** Forgets all but the favourites. */
  forget(lang: Lang): void {
    this.#change((entries) => ({ ...entries, [lang]: entries[lang].filter((one) => one.favourite) }));
  }

  #change(change: (entries: Entries) => Entries): void {
    // Another tab may have written since.
    this.entries = change(load() ?? this.entries);
    try {
      localStorage.setItem(KEY, JSON.stringify(this.entries));
    } catch {
      // Full or forbidden: the history lasts as long as the page.
    }
  }
}

/** Returns what is kept; null where the browser lets nothing be kept. */
function load(): Entries | null {
  try {
    return readEntries(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}

export const history = new History();
