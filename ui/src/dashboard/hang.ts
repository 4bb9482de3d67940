/** What hangs from a panel's header, a `<details>`, closes by Escape and when the reader goes elsewhere. */

import type { Action } from "svelte/action";

export const hang: Action<HTMLDetailsElement> = (details) => {
  function leave(event: FocusEvent): void {
    if (event.relatedTarget instanceof Node && !details.contains(event.relatedTarget)) {
      details.open = false;
    }
  }

  function press(event: KeyboardEvent): void {
    if (event.key === "Escape" && details.open) {
      event.stopPropagation();
      details.open = false;
      details.querySelector("summary")?.focus();
    }
  }

  function click(event: MouseEvent): void {
    if (event.target instanceof Node && !details.contains(event.target)) {
      details.open = false;
    }
  }

  details.addEventListener("focusout", leave);
  details.addEventListener("keydown", press);
  document.addEventListener("click", click);
  return {
    destroy() {
      details.removeEventListener("focusout", leave);
      details.removeEventListener("keydown", press);
      document.removeEventListener("click", click);
    },
  };
};
