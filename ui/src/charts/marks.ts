/** Marks: what happened, over charts of time. */

export interface Mark {
  /** Unix seconds. */
  at: number;
  /** The end of a period; null or nothing for a moment. */
  until?: number | null;
  /** A CSS custom property that holds the colour. */
  color: string;
  label: string;
}

/** Returns the marks near a moment: those that the pointer is on. `near` is in seconds. */
export function marksNear(marks: readonly Mark[], time: number, near: number): Mark[] {
  return marks.filter((mark) => time >= mark.at - near && time <= (mark.until ?? mark.at) + near);
}
