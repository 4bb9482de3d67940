/** What can be done from the keyboard: every view says what it offers, the palette and `?` show it. */

import { untrack } from "svelte";

export interface Command {
  /** What it does, as the palette lists it. */
  title: string;
  /** The heading under which it is listed. */
  section: string;
  /** Keys one after another, parted by a blank, such as "g t" or "/"; "mod+k" is Ctrl or Cmd with k. */
  keys?: string;
  run: () => void;
}

const SEQUENCE_MS = 1200;

class Commands {
  #offers = $state.raw<ReadonlyMap<symbol, () => Command[]>>(new Map());
  palette = $state(false);
  shortcuts = $state(false);

  /** All that can be done now; what the view offers comes before what is always there. */
  get all(): Command[] {
    return [...this.#offers.values()].reverse().flatMap((offer) => offer());
  }

  add(offer: () => Command[]): () => void {
    const key = Symbol();
    this.#offers = new Map(this.#offers).set(key, offer);
    return () => {
      const left = new Map(this.#offers);
      left.delete(key);
      this.#offers = left;
    };
  }
}

export const commands = new Commands();

/** Offers commands as long as the component lives that is being initialised. */
export function offer(list: () => Command[]): void {
  $effect(() => untrack(() => commands.add(list)));
}

let typed: string[] = [];
let typedAt = 0;

/** Runs the command whose keys were pressed; to be called for each keydown of the window. */
export function pressed(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.altKey) {
    return;
  }
  const mod = event.ctrlKey || event.metaKey;
  if (event.key.length > 1 && event.key !== "Escape") {
    return;
  }
  if (!mod && (isTyping(event.target) || document.querySelector("dialog[open]") !== null)) {
    return;
  }
  const key = (mod ? "mod+" : "") + (event.key.length === 1 ? event.key : event.key.toLowerCase());
  typed = performance.now() - typedAt < SEQUENCE_MS ? [...typed, key] : [key];
  typedAt = performance.now();
  for (let from = 0; from < typed.length; from += 1) {
    const keys = typed.slice(from).join(" ");
    const found = commands.all.find((one) => one.keys === keys);
    if (found !== undefined) {
      event.preventDefault();
      typed = [];
      found.run();
      return;
    }
  }
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}
