/** The one place that decides which addresses from outside may become links: labels, annotations, dashboards, targets. */

const PROTOCOLS = ["http:", "https:", "mailto:"];

const origin = (): string => (typeof location === "undefined" ? "http://localhost" : location.origin);

/** Returns an address of the web, of mail or of this page; null for any other, such as `javascript:` or `data:`. */
export function safeUrl(text: string): URL | null {
  const trimmed = text.trim();
  if (trimmed === "" || !URL.canParse(trimmed, origin())) {
    return null;
  }
  const url = new URL(trimmed, origin());
  return PROTOCOLS.includes(url.protocol) ? url : null;
}

/** Returns a whole address as `safeUrl` allows it; null also where the text is none by itself, such as a word. */
export function safeLink(text: string): string | null {
  const url = safeUrl(text);
  const whole = /^\s*(https?:\/\/|mailto:|\/(?!\/))/i.test(text);
  return url !== null && whole
    ? url.origin === origin()
      ? url.pathname + url.search + url.hash
      : url.href
    : null;
}
