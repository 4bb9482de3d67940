/** What the page says for a moment, over whatever is shown, of something that was done from the keyboard. */

import { copyText } from "./clipboard";

const SHOWN_MS = 4000;

class Said {
  text = $state("");

  #timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string): void {
    this.text = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.text = ""), SHOWN_MS);
  }

  /** Copies a text and says so; shows it where the browser does not let it be copied. */
  async copy(text: string): Promise<void> {
    this.say((await copyText(text)) ? "Copied" : text);
  }
}

export const said = new Said();
