/** Where the reader is: the path and the query string, kept in the browser's history. */

import { keepScroll, keptScroll, noteScroll, scrollWhenReady } from "./scroll";

class Router {
  /** What is shown; the view before goes on with its own until the next one has loaded. */
  path = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));
  /** Where the reader wants to be: another path than `path` while its view is loaded. */
  wanted = $state(location.pathname);
  /** Whether the reader came to it by a step back or forward. */
  stepped = false;

  #scroll = keptScroll();

  constructor() {
    keepScroll();
    addEventListener("popstate", () => {
      this.stepped = true;
      this.#turn(keptScroll());
    });
  }

  /** Goes to a URL of this page; `replace` leaves no step in the history. */
  go(href: string, options: { replace?: boolean } = {}): void {
    const url = new URL(href, location.href);
    const moved = url.pathname !== location.pathname;
    if (options.replace === true) {
      history.replaceState(moved ? null : history.state, "", url);
    } else if (url.href !== location.href) {
      noteScroll();
      history.pushState(moved ? null : history.state, "", url);
    }
    this.stepped = false;
    this.#turn(moved ? 0 : null);
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

  /** Sets parameters of what is shown; where the reader is on the way to another view, that goes first. */
  set(changes: Record<string, string | null>, options: { replace?: boolean } = {}): void {
    if (this.wanted !== this.path) {
      return;
    }
    this.go(this.with(changes), options);
  }

  param(name: string): string {
    return this.query.get(name) ?? "";
  }

  /** Tells that the wanted view is what is shown from now on. */
  arrive(): void {
    this.path = this.wanted;
    this.query = new URLSearchParams(location.search);
  }

  /** Brings the reader to where the view begins, or where it was left; once it is drawn. */
  settle(): void {
    scrollWhenReady(this.#scroll);
  }

  #turn(scroll: number | null): void {
    this.wanted = location.pathname;
    this.#scroll = scroll ?? this.#scroll;
    if (this.wanted === this.path) {
      this.arrive();
      if (scroll !== null) {
        this.settle();
      }
    }
  }
}

export const router = new Router();

/** Addresses of this origin that are no views: APIs, files, and playbooks as they are written. */
const NO_VIEW = /^\/(api|-|metrics|assets|user|federate)(\/|$)/;

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
  // Also those of SVG, whose `href` is no text.
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const href = link?.getAttribute("href") ?? null;
  if (
    link === null ||
    href === null ||
    (link.getAttribute("target") ?? "") !== "" ||
    link.hasAttribute("download")
  ) {
    return;
  }
  const url = URL.canParse(href, document.baseURI) ? new URL(href, document.baseURI) : null;
  if (url === null || url.origin !== location.origin || NO_VIEW.test(url.pathname)) {
    return;
  }
  if (url.hash !== "" && url.pathname === location.pathname) {
    return;
  }
  event.preventDefault();
  router.go(url.href);
}
