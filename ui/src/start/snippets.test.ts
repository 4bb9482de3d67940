import { describe, expect, it } from "vitest";

import { RECEIVERS } from "../api/status";
import { openPort, ways, type Place } from "./snippets";

const PLACE: Place = {
  host: "127.0.0.1",
  ports: {
    page: 9090,
    otlp_http: 14318,
    otlp_grpc: 14317,
    logstash_tcp: 15000,
    logstash_http: 18080,
    beats: 15044,
  },
  targetsDir: "/home/ann/.config/accelerapp/targets.d",
  python: "/home/ann/.venv/bin/python",
};

const all = (place: Place) => ways(place).flatMap((one) => one.snippets);
const text = (place: Place, id: string): string => all(place).find((one) => one.id === id)?.text ?? "";

describe("ways", () => {
  it("names each snippet once, and its receiver as the status does", () => {
    const ids = all(PLACE).map((one) => one.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { receiver } of all(PLACE)) {
      expect(receiver === undefined || receiver in RECEIVERS).toBe(true);
    }
  });

  it("shows the ports that are open, and no other", () => {
    for (const { receiver, text: shown } of all(PLACE)) {
      if (receiver !== undefined) {
        expect(shown).toContain(String(PLACE.ports[receiver]));
      }
    }
    expect(
      all(PLACE)
        .map((one) => one.text)
        .join(),
    ).not.toMatch(/\b(4318|4317|5000|8080|5044)\b/);
  });

  it("shows the usual port of a receiver that is off", () => {
    const off = { ...PLACE, ports: { page: 9090 } };
    expect(openPort(off, "otlp_http")).toBeNull();
    expect(text(off, "otel-http")).toContain("http://127.0.0.1:4318");
  });

  it.each(["::1", "[::1]"])(
    "writes the address of IPv6 %s in brackets where it is a part of a URL",
    (host) => {
      const place = { ...PLACE, host };
      expect(text(place, "otel-http")).toContain("http://[::1]:14318");
      expect(text(place, "filebeat")).toContain('"[::1]:15044"');
      expect(text(place, "logstash-tcp")).toContain("nc -w 1 ::1 15000");
      expect(text(place, "logstash-python")).toContain('Handler("::1", 15000');
    },
  );

  it("names the Python that has the library", () => {
    const note = (place: Place) => all(place).find((one) => one.id === "python-own")?.note;
    expect(note(PLACE)).toContain(PLACE.python);
    expect(note({ ...PLACE, python: "" })).toBe("The observatory's own Python has it.");
  });

  it("quotes a folder that a shell would take apart", () => {
    expect(text(PLACE, "prometheus-target")).toContain(`mkdir -p ${PLACE.targetsDir}\n`);
    expect(text({ ...PLACE, targetsDir: "/home/ann/it's mine" }, "prometheus-target")).toContain(
      "mkdir -p '/home/ann/it'\\''s mine'\n",
    );
  });
});
