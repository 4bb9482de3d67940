import { beforeEach, describe, expect, it, vi } from "vitest";

const place = { pathname: "/logs", search: "?query=a", href: "http://observatory.test/logs?query=a" };
let steps: string[] = [];

vi.stubGlobal("location", place);
vi.stubGlobal("addEventListener", () => undefined);
vi.stubGlobal("scrollTo", () => undefined);
vi.stubGlobal("scrollY", 0);
vi.stubGlobal("history", {
  state: null,
  pushState: (_state: unknown, _title: string, url: URL) => {
    steps.push(url.pathname + url.search);
    Object.assign(place, { pathname: url.pathname, search: url.search, href: url.href });
  },
  replaceState: (_state: unknown, _title: string, url: URL) => {
    Object.assign(place, { pathname: url.pathname, search: url.search, href: url.href });
  },
});

const { router } = await import("./router.svelte");

beforeEach(() => {
  router.go("/logs?query=a");
  router.arrive();
  steps = [];
});

describe("the router", () => {
  it("keeps the other parameters, and has no empty ones", () => {
    router.set({ level: "error" });
    expect(router.query.toString()).toBe("query=a&level=error");
    router.set({ query: "", level: null });
    expect(place.href).toBe("http://observatory.test/logs");
    expect(steps).toEqual(["/logs?query=a&level=error", "/logs"]);
  });

  it("shows a view until the next one has loaded, and lets the one that is left set nothing", () => {
    router.go("/traces?range=5m");
    expect([router.path, router.wanted, router.param("query")]).toEqual(["/logs", "/traces", "a"]);
    router.set({ level: "error" }, { replace: true });
    expect(router.wanted).toBe("/traces");
    router.arrive();
    expect([router.path, router.query.toString()]).toEqual(["/traces", "range=5m"]);
  });

  it("makes no step of where the reader is already", () => {
    router.go("/logs?query=a");
    router.set({ query: "b" }, { replace: true });
    expect(steps).toEqual([]);
    expect(router.param("query")).toBe("b");
  });
});
