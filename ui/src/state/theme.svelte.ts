/** The system's choice of light or dark, for what is drawn on a canvas and so does not follow CSS by itself. */

const query = matchMedia("(prefers-color-scheme: dark)");

class Theme {
  dark = $state(query.matches);

  constructor() {
    query.addEventListener("change", (event) => {
      this.dark = event.matches;
    });
  }
}

export const theme = new Theme();

/** Returns the colour that a CSS custom property has now. */
export function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
