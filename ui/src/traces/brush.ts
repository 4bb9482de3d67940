/** Dragging a box over a chart, by mouse, pen or finger. */

import type { Attachment } from "svelte/attachments";

/** Shares of the element's width and height, from its upper left corner. */
export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

interface Options {
  /** The box as it is dragged; null when the drag has ended. */
  ondrag: (box: Box | null) => void;
  /** A box was dragged. */
  onbox: (box: Box) => void;
  /** Something was clicked on without a drag, in pixels from the upper left corner. */
  onclick?: (x: number, y: number, event: PointerEvent) => void;
}

/** Fewer pixels are a click with an unsteady hand. */
const LEAST = 5;

export function brush(options: () => Options): Attachment<HTMLElement> {
  return (element) => {
    let begun: { x: number; y: number; id: number } | null = null;

    function boxTo(event: PointerEvent, from: { x: number; y: number }): Box | null {
      if (Math.abs(event.clientX - from.x) < LEAST && Math.abs(event.clientY - from.y) < LEAST) {
        return null;
      }
      const rect = element.getBoundingClientRect();
      const x = (at: number): number => Math.min(Math.max((at - rect.left) / rect.width, 0), 1);
      const y = (at: number): number => Math.min(Math.max((at - rect.top) / rect.height, 0), 1);
      return {
        left: x(Math.min(event.clientX, from.x)),
        right: x(Math.max(event.clientX, from.x)),
        top: y(Math.min(event.clientY, from.y)),
        bottom: y(Math.max(event.clientY, from.y)),
      };
    }

    function down(event: PointerEvent): void {
      if (event.button === 0) {
        begun = { x: event.clientX, y: event.clientY, id: event.pointerId };
        element.setPointerCapture(event.pointerId);
      }
    }

    function move(event: PointerEvent): void {
      if (begun?.id === event.pointerId) {
        options().ondrag(boxTo(event, begun));
      }
    }

    function up(event: PointerEvent): void {
      if (begun?.id !== event.pointerId) {
        return;
      }
      const box = boxTo(event, begun);
      begun = null;
      options().ondrag(null);
      if (box === null) {
        const rect = element.getBoundingClientRect();
        options().onclick?.(event.clientX - rect.left, event.clientY - rect.top, event);
      } else {
        options().onbox(box);
      }
    }

    function cancel(): void {
      begun = null;
      options().ondrag(null);
    }

    element.addEventListener("pointerdown", down);
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", up);
    element.addEventListener("pointercancel", cancel);
    return () => {
      element.removeEventListener("pointerdown", down);
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", up);
      element.removeEventListener("pointercancel", cancel);
    };
  };
}
