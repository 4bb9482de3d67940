/** What can be done from the keyboard: every view says what it offers, the palette and `?` show it. */

import { untrack } from "svelte";

import { recallStrings, remember } from "./remembered";

export interface Command {
  /** What it does, as the palette lists it. */
  title: string;
  /** The heading under which it is listed. */
  section: string;
  /**
   * Keys one after another, parted by a blank, such as "g t" or "/": a character as it is typed, or the name of another
   * key in small letters, such as "escape"; "mod+k" is Ctrl or Cmd with k.
   */
  keys?: string;
  /** Other words by which the palette finds it. */
  also?: string;
  run: () => void;
}

const SEQUENCE_MS = 1200;
const MOST_RECENT = 8;

class Commands {
  #offers = $state.raw<ReadonlyMap<symbol, () => Command[]>>(new Map());
  #recent = $state.raw(recallStrings("commands"));
  palette = $state(false);
  shortcuts = $state(false);
  settings = $state(false);

  /** All that can be done now; what the view offers comes before what is always there. */
  get all(): Command[] {
    return [...this.#offers.values()].reverse().flatMap((offer) => offer());
  }

  /** Returns how lately a command was run from the palette, 0 for the last one; Infinity where it was not. */
  age(command: Command): number {
    const index = this.#recent.indexOf(named(command));
    return index === -1 ? Infinity : index;
  }

  /** Remembers that a command was run from the palette. */
  used(command: Command): void {
    const name = named(command);
    this.#recent = [name, ...this.#recent.filter((one) => one !== name)].slice(0, MOST_RECENT);
    remember("commands", this.#recent);
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

function named(command: Command): string {
  return `${command.section}: ${command.title}`;
}

export const commands = new Commands();

/** Offers commands as long as the component lives that is being initialised. */
export function offer(list: () => Command[]): void {
  $effect(() => untrack(() => commands.add(list)));
}

let typed: string[] = [];
let typedAt = -Infinity;

/**
 * Runs the command whose keys were pressed; to be called for each keydown of the window.
 *
 * While the reader types or a dialog is open nothing is run, but for keys with Ctrl or Cmd while typing. Enter and the
 * space bar are left to the button or link that has the focus.
 */
export function pressed(event: KeyboardEvent): void {
  const key = keyOf(event);
  if (key === null || document.querySelector("dialog[open]") !== null) {
    typed = [];
    return;
  }
  // Of what is in a shadow root, such as an editor, the event's own target tells its host alone.
  const target = event.composedPath()[0] ?? null;
  if (!key.startsWith("mod+") && (isTyping(target) || (isPress(key) && isControl(target)))) {
    typed = [];
    return;
  }
  const now = performance.now();
  typed = now - typedAt < SEQUENCE_MS ? [...typed.slice(-2), key] : [key];
  typedAt = now;
  // The longest first: "g t" before a "t" alone.
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

/** Returns a key as commands name it; null for what never begins one. */
export function keyOf(event: KeyboardEvent): string | null {
  if (
    event.defaultPrevented ||
    event.isComposing ||
    ["Shift", "Control", "Alt", "Meta"].includes(event.key)
  ) {
    return null;
  }
  // AltGr types characters such as [ on many keyboards, and is told as Ctrl with Alt by some.
  const graph = event.getModifierState("AltGraph");
  if (event.altKey && !graph) {
    return null;
  }
  const mod = !graph && (event.ctrlKey || event.metaKey);
  if (mod && event.shiftKey) {
    return null;
  }
  const name = event.key.length === 1 ? character(event, mod) : event.key.toLowerCase();
  return (mod ? "mod+" : "") + (name === " " ? "space" : name);
}

/** Returns the character that was meant: with Caps Lock, and on keyboards of other scripts, not the one that was typed. */
function character(event: KeyboardEvent, mod: boolean): string {
  const typed = event.key;
  const foreign = /^[\p{L}\p{M}]$/u.test(typed) && !/^\p{Script=Latin}$/u.test(typed);
  const letter = foreign ? /^Key([A-Z])$/.exec(event.code)?.[1] : undefined;
  if (letter !== undefined || mod) {
    return (letter ?? typed)[!mod && event.shiftKey ? "toUpperCase" : "toLowerCase"]();
  }
  return event.getModifierState("CapsLock") ? typed[event.shiftKey ? "toUpperCase" : "toLowerCase"]() : typed;
}

const NOT_TYPED = ["button", "checkbox", "color", "file", "image", "radio", "range", "reset", "submit"];

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) {
    return false;
  }
  return (
    target.isContentEditable ||
    ["TEXTAREA", "SELECT"].includes(target.tagName) ||
    (target instanceof HTMLInputElement && !NOT_TYPED.includes(target.type))
  );
}

function isPress(key: string): boolean {
  return key === "enter" || key === "space";
}

function isControl(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest("a[href], button, summary, input, [role=button], [role=option]") !== null
  );
}
