/** Light or dark: the system's choice or the reader's, also for a canvas, which does not follow CSS by itself. */

import { recall, remember } from "./remembered";

export type ThemeChoice = "system" | "light" | "dark";
export const THEMES: readonly ThemeChoice[] = ["system", "light", "dark"];

const query = matchMedia("(prefers-color-scheme: dark)");
/** All is light on paper, by the style sheet too. */
const paper = matchMedia("print");

/** What the custom properties are in the present theme: asking the browser is slow while the page changes. */
const resolved = new Map<string, string>();

class Theme {
  #system = $state(query.matches);
  #onPaper = $state(paper.matches);
  #choice = $state<ThemeChoice>(THEMES.find((one) => one === recall("theme")) ?? "system");

  constructor() {
    query.addEventListener("change", (event) => {
      resolved.clear();
      this.#system = event.matches;
    });
    paper.addEventListener("change", (event) => {
      resolved.clear();
      this.#onPaper = event.matches;
    });
  }

  get dark(): boolean {
    return !this.#onPaper && (this.#choice === "system" ? this.#system : this.#choice === "dark");
  }

  get choice(): ThemeChoice {
    return this.#choice;
  }

  /** Takes effect at once, and is remembered; public/assets/theme.js reads it at the next visit. */
  set choice(chosen: ThemeChoice) {
    resolved.clear();
    this.#choice = chosen;
    const { dataset } = document.documentElement;
    if (chosen === "system") {
      delete dataset["theme"];
      remember("theme", undefined);
    } else {
      dataset["theme"] = chosen;
      remember("theme", chosen);
    }
  }

  /** The colour under what is drawn, as #rrggbb. */
  get surface(): string {
    void this.dark;
    return cssColor("--surface");
  }
}

export const theme = new Theme();

/** Returns the colour that a CSS custom property has now. */
export function cssColor(name: string): string {
  let color = resolved.get(name);
  if (color === undefined) {
    const written = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const both = /^light-dark\((.+),\s*(.+)\)$/.exec(written);
    // The build shortens colours, and `faded` needs all digits.
    color = ((theme.dark ? both?.[2] : both?.[1]) ?? written).replace(/^#(\w)(\w)(\w)$/, "#$1$1$2$2$3$3");
    resolved.set(name, color);
  }
  return color;
}

/** Returns a CSS colour as a canvas takes it: with its custom properties resolved. */
export function paint(color: string): string {
  return color.includes("var(")
    ? color.replace(/var\((--[\w-]+)\)/g, (_, name: string) => cssColor(name))
    : color;
}

/** Returns a colour of a canvas with some of its opacity, 0 to 1. */
export function faded(color: string, alpha: number): string {
  return /^#[0-9a-f]{6}$/i.test(color)
    ? color +
        Math.round(Math.min(Math.max(alpha, 0), 1) * 255)
          .toString(16)
          .padStart(2, "0")
    : `color-mix(in srgb, ${color} ${String(Math.round(alpha * 100))}%, transparent)`;
}
