/** How far the window is scrolled, kept with each step of the history and restored when the reader comes back. */

const PATIENCE_MS = 3000;
const SETTLED_MS = 120;

let stop: (() => void) | undefined;

/** Begins to keep it; the browser's own attempt would come before the view has loaded. */
export function keepScroll(): void {
  history.scrollRestoration = "manual";
  let timer: ReturnType<typeof setTimeout> | undefined;
  addEventListener(
    "scroll",
    () => {
      clearTimeout(timer);
      timer = setTimeout(noteScroll, SETTLED_MS);
    },
    { passive: true },
  );
}

/** Notes the present place with the present step of the history. */
export function noteScroll(): void {
  if (keptScroll() !== Math.round(scrollY)) {
    history.replaceState({ scroll: Math.round(scrollY) }, "");
  }
}

/** Returns what is kept with the present step. */
export function keptScroll(): number {
  const kept = (history.state as { scroll?: unknown } | null)?.scroll;
  return typeof kept === "number" ? kept : 0;
}

/** Scrolls there as soon as the view is long enough, unless the reader scrolls first or it never is. */
export function scrollWhenReady(top: number): void {
  stop?.();
  scrollTo({ top, behavior: "instant" });
  if (scrollY >= top - 1) {
    return;
  }
  const controller = new AbortController();
  const observer = new ResizeObserver(() => {
    scrollTo({ top, behavior: "instant" });
    if (scrollY >= top - 1) {
      stop?.();
    }
  });
  const timer = setTimeout(() => stop?.(), PATIENCE_MS);
  stop = () => {
    observer.disconnect();
    controller.abort();
    clearTimeout(timer);
    stop = undefined;
  };
  observer.observe(document.body);
  for (const doing of ["wheel", "touchstart", "keydown", "pointerdown"]) {
    addEventListener(doing, () => stop?.(), { signal: controller.signal, passive: true });
  }
}
