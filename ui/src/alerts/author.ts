/** Who wrote the last silence in this browser; there is no login here. */

const KEY = "accelerapp.author";

export function rememberedAuthor(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // a browser that keeps nothing
  }
}

export function rememberAuthor(name: string): void {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // It is asked again next time.
  }
}
