/** Where the reader is: the path and the query string, kept in the browser's history. */

class Router {
  path = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));

  constructor() {
    addEventListener("popstate", () => {
      this.#read();
    });
  }

  /** Goes to a URL of this page; `replace` leaves no step in the history. */
  go(href: string, options: { replace?: boolean } = {}): void {
    const url = new URL(href, location.href);
    const moved = url.pathname !== this.path;
    if (options.replace === true) {
      history.replaceState(null, "", url);
    } else if (url.href !== location.href) {
      history.pushState(null, "", url);
    }
    this.#read();
    if (moved) {
      scrollTo(0, 0);
    }
  }

  /** Returns the present URL with some parameters set, or removed where null or empty. */
  with(changes: Record<string, string | null>): string {
    const query = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") {
        query.delete(name);
      } else {
        query.set(name, value);
      }
    }
    const text = query.toString();
    return text === "" ? this.path : `${this.path}?${text}`;
  }

  set(changes: Record<string, string | null>, options: { replace?: boolean } = {}): void {
    this.go(this.with(changes), options);
  }

  param(name: string): string {
    return this.query.get(name) ?? "";
  }

  #read(): void {
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
  }
}

export const router = new Router();

/** Follows links within the page without loading it anew; leaves every other click to the browser. */
export function followLink(event: MouseEvent): void {
  if (
    event.defaultPrevented ||
    event.button !== 0 ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey
  ) {
    return;
  }
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || !link.hasAttribute("href") || link.target !== "" || link.hasAttribute("download")) {
    return;
  }
  const url = new URL(link.href);
  const elsewhere = url.origin !== location.origin || /^\/(api|-|metrics|assets)(\/|$)/.test(url.pathname);
  if (elsewhere || (url.hash !== "" && url.pathname === location.pathname)) {
    return;
  }
  event.preventDefault();
  router.go(url.href);
}
