/** Reads JSON without changing whole numbers that have more digits than a number of JavaScript keeps, such as ids. */

const MAYBE_LONG = /[:[,]\s*-?\d{16,}\s*[,}\]]/;
const IN_NUMBER = /[-+.\deE]*/y;

/** Returns what a text says; a whole number beyond 53 bits becomes a text of its digits. */
export function readJson(text: string): unknown {
  return JSON.parse(MAYBE_LONG.test(text) ? quotedIfLong(text) : text);
}

function quotedIfLong(json: string): string {
  const parts: string[] = [];
  let taken = 0;
  let at = 0;
  while (at < json.length) {
    const one = json.charAt(at);
    if (one === '"') {
      at = endOfText(json, at);
    } else if (one === "-" || (one >= "0" && one <= "9")) {
      IN_NUMBER.lastIndex = at;
      const number = IN_NUMBER.exec(json)?.[0] ?? one;
      if (/^-?\d{16,}$/.test(number) && !Number.isSafeInteger(Number(number))) {
        parts.push(json.slice(taken, at), `"${number}"`);
        taken = at + number.length;
      }
      at += number.length;
    } else {
      at += 1;
    }
  }
  return parts.join("") + json.slice(taken);
}

/** Returns where a text in quotes has ended that begins at a place. */
function endOfText(json: string, from: number): number {
  let at = from + 1;
  for (;;) {
    const quote = json.indexOf('"', at);
    if (quote < 0) {
      return json.length;
    }
    let backslashes = 0;
    while (json.charAt(quote - 1 - backslashes) === "\\") {
      backslashes += 1;
    }
    at = quote + 1;
    if (backslashes % 2 === 0) {
      return at;
    }
  }
}
