/** The last queries of this reader, which the browser keeps. */

import { recallStrings, remember } from "../state/remembered";

const NAME = "logs.queries";
const MOST = 20;

export function lastQueries(): string[] {
  return recallStrings(NAME).slice(0, MOST);
}

export function rememberQuery(query: string): void {
  if (query !== "") {
    remember(NAME, [query, ...lastQueries().filter((one) => one !== query)].slice(0, MOST));
  }
}
