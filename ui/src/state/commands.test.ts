import { describe, expect, it } from "vitest";

import { keyOf } from "./commands.svelte";

interface Press {
  key: string;
  code?: string;
  caps?: boolean;
  ctrl?: boolean;
  meta?: boolean;
  alt?: boolean;
  shift?: boolean;
  graph?: boolean;
  composing?: boolean;
}

const press = (one: Press): KeyboardEvent =>
  ({
    key: one.key,
    code: one.code ?? "",
    ctrlKey: one.ctrl === true,
    metaKey: one.meta === true,
    altKey: one.alt === true,
    shiftKey: one.shift === true,
    isComposing: one.composing === true,
    defaultPrevented: false,
    getModifierState: (name: string) =>
      (name === "AltGraph" && one.graph === true) || (name === "CapsLock" && one.caps === true),
  }) as KeyboardEvent;

describe("keyOf", () => {
  it.each<[Press, string | null]>([
    [{ key: "g" }, "g"],
    [{ key: "G", shift: true }, "G"],
    [{ key: "?", shift: true }, "?"],
    [{ key: "Escape" }, "escape"],
    [{ key: "ArrowDown" }, "arrowdown"],
    [{ key: " " }, "space"],
    [{ key: "k", ctrl: true }, "mod+k"],
    [{ key: "K", meta: true }, "mod+k"],
    [{ key: "k", ctrl: true, shift: true }, null],
    [{ key: "f", alt: true }, null],
    // [ on a German keyboard, as two systems tell it
    [{ key: "[", alt: true, ctrl: true, graph: true }, "["],
    [{ key: "[", graph: true }, "["],
    // g and k where the keyboard is Russian or Greek, ? where it is Russian, Z where it is French
    [{ key: "п", code: "KeyG" }, "g"],
    [{ key: "П", code: "KeyG", shift: true }, "G"],
    [{ key: "л", code: "KeyK", ctrl: true }, "mod+k"],
    [{ key: "γ", code: "KeyG" }, "g"],
    [{ key: "х", code: "BracketLeft" }, "х"],
    [{ key: "z", code: "KeyW" }, "z"],
    [{ key: "G", caps: true }, "g"],
    [{ key: "g", caps: true, shift: true }, "G"],
    [{ key: "?", caps: true, shift: true }, "?"],
    [{ key: "Shift", shift: true }, null],
    [{ key: "g", composing: true }, null],
  ])("names %j %j", (given, name) => {
    expect(keyOf(press(given))).toBe(name);
  });
});
