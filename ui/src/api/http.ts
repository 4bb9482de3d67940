/** Asks the observatory's HTTP APIs; every failure becomes an Error whose message can be shown as it is. */

import { connection, isGateways } from "../state/connection.svelte";
import { readJson } from "./json";

export class ApiError extends Error {
  constructor(
    message: string,
    /** The HTTP status; 0 where no answer came. */
    readonly status: number,
  ) {
    super(message);
  }
}

/** A list is a parameter that is given several times. */
export type Params = Record<string, string | number | string[] | null | undefined>;

export function searchString(params: Params): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") {
        search.append(name, String(one));
      }
    }
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

/** Asks for JSON; `signal` ends it. */
export function get<T>(path: string, params: Params, signal: AbortSignal): Promise<T> {
  return ask(path, searchString(params), { signal });
}

const ACCEPT = { Accept: "application/json" };
/** What nobody has taken by then is given up. */
const AHEAD_MS = 10_000;
const ahead = new Map<string, Promise<Response>>();

/** Asks for what a view will show while the view itself is loaded; the first `get` of it takes the answer. */
export function getAhead(path: string): void {
  if (ahead.has(path)) {
    return;
  }
  const controller = new AbortController();
  const answer = fetch(path, { headers: ACCEPT, signal: controller.signal });
  // Who takes it is told of a failure.
  answer.catch(() => undefined);
  ahead.set(path, answer);
  setTimeout(() => {
    if (ahead.get(path) === answer) {
      ahead.delete(path);
      controller.abort();
    }
  }, AHEAD_MS);
}

function takeAhead(path: string): Promise<Response> | undefined {
  const answer = ahead.get(path);
  ahead.delete(path);
  return answer;
}

/** An address has its limits, which what a variable's thousand values make of a query is beyond. */
const LONGEST_SEARCH = 8000;

/** Asks as `get` does, by a form where the parameters are too long for an address. */
export function getOrPost<T>(path: string, params: Params, signal: AbortSignal): Promise<T> {
  const search = searchString(params);
  if (search.length <= LONGEST_SEARCH) {
    return ask(path, search, { signal });
  }
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  return ask(path, "", { method: "POST", body: search.slice(1), headers, signal });
}

/** Sends JSON, and returns what is answered. */
export function post<T>(path: string, body: unknown, signal: AbortSignal): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  return ask(path, "", { method: "POST", body: JSON.stringify(body), headers, signal });
}

/** Sends a text as it is, such as a file that the reader chose. */
export function postText<T>(path: string, body: string, signal: AbortSignal): Promise<T> {
  return ask(path, "", { method: "POST", body, headers: { "Content-Type": "text/plain" }, signal });
}

/** Asks to delete; an answer without a body is undefined. */
export function remove(path: string, signal: AbortSignal): Promise<undefined> {
  return ask(path, "", { method: "DELETE", signal });
}

async function ask<T>(
  path: string,
  search: string,
  request: RequestInit & { signal: AbortSignal; headers?: Record<string, string> },
): Promise<T> {
  const { signal } = request;
  let response: Response;
  try {
    const headers = new Headers({ ...ACCEPT, ...request.headers });
    const early = request.method === undefined ? takeAhead(path + search) : undefined;
    response = await connection.answer(early ?? fetch(path + search, { ...request, headers }));
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    connection.failed();
    throw new ApiError("The observatory does not answer. Is it still running?", 0);
  }
  let body: unknown;
  try {
    const text = await response.text();
    body = text === "" && response.ok ? undefined : readJson(text);
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    const { status } = response;
    throw new ApiError(
      isGateways(response)
        ? `The observatory does not answer: what stands before it says ${String(status)}.`
        : `${path} answered ${String(status)} with something that is not JSON.`,
      status,
    );
  }
  if (!response.ok) {
    // Alertmanager's API answers a text alone, the others an object with `error`.
    const message = typeof body === "string" ? body : (body as { error?: unknown } | null)?.error;
    const text = typeof message === "string" ? message : `${path} answered ${String(response.status)}.`;
    throw new ApiError(text, response.status);
  }
  return body as T;
}

/** Where the observatory's own API is. */
export const OWN = "/api/accelerapp/v1";
