/** Copying, where the browser lets a page do it: not on an address without TLS that is not this machine's. */

/** Returns whether the text was copied. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
