/** The last queries of this reader, in the browser's own storage. */

const KEY = "logs.queries";
const MOST = 20;

export function lastQueries(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter((one) => typeof one === "string").slice(0, MOST) : [];
  } catch {
    return []; // the browser keeps nothing for this page
  }
}

export function rememberQuery(query: string): void {
  if (query.trim() === "") {
    return;
  }
  const queries = [query, ...lastQueries().filter((one) => one !== query)].slice(0, MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify(queries));
  } catch {
    // Then the query is not remembered.
  }
}
