/** Server-sent events (WHATWG HTML, 9.2) of an answer that is read by `fetch`, which tells why one is refused. */

export interface ServerEvent {
  name: string;
  data: string;
}

export async function* readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      yield* parser.push(value);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Puts events together from pieces of text, wherever these end. */
export class EventParser {
  // Pieces of a line that has not ended; joined once, since a long line comes in many.
  #pieces: string[] = [];
  #name = "";
  #data: string[] = [];

  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const lines = text.split("\n");
    const rest = lines.pop() ?? "";
    for (const line of lines) {
      this.#pieces.push(line);
      const whole = this.#pieces.join("").replace(/\r$/, "");
      this.#pieces = [];
      const event = this.#line(whole);
      if (event !== null) {
        events.push(event);
      }
    }
    if (rest !== "") {
      this.#pieces.push(rest);
    }
    return events;
  }

  #line(line: string): ServerEvent | null {
    if (line === "") {
      const event = this.#data.length > 0 ? { name: this.#name, data: this.#data.join("\n") } : null;
      this.#name = "";
      this.#data = [];
      return event;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") {
      this.#name = value;
    } else if (field === "data") {
      this.#data.push(value);
    }
    return null;
  }
}
