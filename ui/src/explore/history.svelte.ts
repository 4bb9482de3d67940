/** The history of queries, kept in the browser's storage; the panes of Explore and the view of logs share it. */

import { recall, remember } from "../state/remembered";
import { type Entries, type Entry, readEntries, withRun, withStar } from "./history";
import type { Lang } from "./state";

const NAME = "explore.history";

class History {
  entries = $state.raw<Entries>(readEntries(recall(NAME)));

  /** Notes that a query was run. */
  ran(lang: Lang, text: string): void {
    const query = text.trim();
    if (query !== "") {
      this.#change(lang, (entries) => withRun(entries, query, Date.now()));
    }
  }

  star(lang: Lang, text: string): void {
    this.#change(lang, (entries) => withStar(entries, text));
  }

  /** Forgets all but the favourites. */
  forget(lang: Lang): void {
    this.#change(lang, (entries) => entries.filter((one) => one.favourite));
  }

  #change(lang: Lang, change: (entries: Entry[]) => Entry[]): void {
    // Another tab may have written since; where the browser keeps nothing, what is here lasts as long as the page.
    const kept = recall(NAME);
    const entries = kept === undefined ? this.entries : readEntries(kept);
    this.entries = { ...entries, [lang]: change(entries[lang]) };
    remember(NAME, this.entries);
  }
}

export const history = new History();
