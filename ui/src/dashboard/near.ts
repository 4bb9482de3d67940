/** Tells when an element comes near the window, and when it goes: what is far away need not load. */

import type { Action } from "svelte/action";

const MARGIN_PX = 300;

type Told = (near: boolean) => void;

const told = new WeakMap<Element, Told>();
let observer: IntersectionObserver | undefined;

/** One observer for all: each of its own would be asked at each scroll. */
function shared(): IntersectionObserver {
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        told.get(entry.target)?.(entry.isIntersecting);
      }
    },
    { rootMargin: `${String(MARGIN_PX)}px` },
  );
  return observer;
}

export const near: Action<HTMLElement, Told> = (element, ontold) => {
  told.set(element, ontold);
  shared().observe(element);
  return {
    destroy() {
      shared().unobserve(element);
      told.delete(element);
    },
  };
};
