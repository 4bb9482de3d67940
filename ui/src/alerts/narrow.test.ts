import { describe, expect, it } from "vitest";

import { narrowTo } from "./narrow";

describe("narrowTo", () => {
  it("asks for the alert's labels, but for those of the rule", () => {
    const alert = { labels: { alertname: "A", severity: "high", service: "shop", route: '/a"$1' } };
    const rule = { labels: { severity: "high", service: "{{ $labels.service }}" } };
    expect(narrowTo("a or b", alert, rule)).toBe(
      '(a or b) and on (service, route) label_replace(label_replace(vector(1), "service", "shop", "", ""), "route", "/a\\"$$1", "", "")',
    );
  });

  it("takes all where the alert has no label of its own", () => {
    expect(narrowTo("a", { labels: { alertname: "A" } }, { labels: {} })).toBe("(a) and on () vector(1)");
  });

  it("quotes a name that is no plain one", () => {
    expect(narrowTo("a", { labels: { "http.route": "/" } }, { labels: {} })).toBe(
      '(a) and on ("http.route") label_replace(vector(1), "http.route", "/", "", "")',
    );
  });
});
