import { describe, expect, it, vi } from "vitest";

import { formatTicks, formatValue, isKnownUnit } from "./number";

const MOMENT = Date.UTC(2026, 2, 4, 15, 6, 7, 8);

describe("Grafana's units", () => {
  it.each<[string, number, string]>([
    // Numbers
    ["none", 1234.5, "1235"],
    ["", 1500, "1.5k"],
    ["short", 1.5e9, "1.5G"],
    ["string", 12, "12"],
    ["sci", 123_456, "1.23e+5"],
    ["sci", 0.00012, "1.20e−4"],
    ["hex", 255, "FF"],
    ["hex0x", -255, "−0xFF"],
    ["locale", 1_234_567.891, "1,234,567.891"],
    ["percent", 12.34, "12.3 %"],
    ["percentunit", 0.1234, "12.3 %"],
    ["humidity", 45, "45 %H"],
    ["dB", -3, "−3 dB"],
    ["ppm", 400, "400 ppm"],
    ["degree", 90, "90°"],
    ["pixel", 12, "12 px"],
    ["bool", 1, "True"],
    ["bool", 0, "False"],
    ["bool_yes_no", 2, "Yes"],
    ["bool_on_off", 0, "Off"],
    // Counts
    ["reqps", 1500, "1.5k req/s"],
    ["rps", 1, "1 rd/s"],
    ["wps", 1, "1 wr/s"],
    ["iops", 2e6, "2M io/s"],
    ["ops", 3, "3 ops/s"],
    ["cps", 3, "3 c/s"],
    ["eps", 3, "3 evt/s"],
    ["pps", 3, "3 p/s"],
    ["rpm", 3, "3 rd/min"],
    ["opm", 0.5, "0.5 ops/min"],
    // Data
    ["bytes", 1536, "1.5 KiB"],
    ["bytes", 1023.9, "1 KiB"],
    ["kbytes", 1024, "1 MiB"],
    ["mbytes", 0.5, "512 KiB"],
    ["gbytes", 1, "1 GiB"],
    ["decbytes", 1500, "1.5 kB"],
    ["decmbytes", 1500, "1.5 GB"],
    ["decbytes", 0.5, "0.5 B"],
    ["bits", 2048, "2 Kib"],
    ["decbits", 2000, "2 kb"],
    ["binBps", 1536, "1.5 KiB/s"],
    ["Bps", 1500, "1.5 kB/s"],
    ["bps", 1.5e9, "1.5 Gb/s"],
    ["binbps", 1024, "1 Kib/s"],
    ["MBs", 1, "1 MB/s"],
    ["Kbits", 1500, "1.5 Mb/s"],
    // Lengths of time
    ["ns", 1500, "1.5 µs"],
    ["µs", 1500, "1.5 ms"],
    ["ms", 1500, "1.5 s"],
    ["s", 90, "1.5 min"],
    ["m", 90, "1.5 h"],
    ["h", 36, "1.5 d"],
    ["d", 730.5, "2 y"],
    ["timeticks", 250, "2.5 s"],
    ["dtdurations", 90_061, "1 d 1 h 1 min 1 s"],
    ["dtdurations", 0, "0 s"],
    ["dtdurationms", 1500, "1 s"],
    ["dtdurationms", 15, "15 ms"],
    ["clocks", 3661, "01h:01m:01s:000ms"],
    ["clockms", 1500, "01s:500ms"],
    ["dthms", 90_061, "25:01:01"],
    ["dtdhms", 90_061, "1 d 01:01:01"],
    ["dthms", -61, "−00:01:01"],
    // Moments
    ["dateTimeAsIso", MOMENT, "2026-03-04 15:06:07"],
    ["dateTimeAsUS", MOMENT, "03/04/2026 3:06:07 pm"],
    ["dateTimeAsSystem", MOMENT, "2026-03-04 15:06:07"],
    ["time:YYYY/MM/DD [at] HH:mm:ss.SSS", MOMENT, "2026/03/04 at 15:06:07.008"],
    ["time:ddd, D MMM YY h:mm a", MOMENT, "Wed, 4 Mar 26 3:06 pm"],
    ["time:", MOMENT, "2026-03-04 15:06:07"],
    // Physics
    ["celsius", 21.456, "21.5 °C"],
    ["fahrenheit", 70, "70 °F"],
    ["hertz", 2.4e9, "2.4 GHz"],
    ["watt", 1500, "1.5 kW"],
    ["watt", 0.002, "2 mW"],
    ["kwatt", 1500, "1.5 MW"],
    ["mwatt", 1500, "1.5 W"],
    ["watth", 1500, "1.5 kWh"],
    ["volt", 230, "230 V"],
    ["mvolt", 5, "5 mV"],
    ["mamp", 500, "500 mA"],
    ["ohm", 1000, "1 kΩ"],
    ["lengthm", 1500, "1.5 km"],
    ["lengthkm", 0.5, "500 m"],
    ["lengthmm", 5, "5 mm"],
    ["masskg", 1, "1 kg"],
    ["pressurehpa", 1013, "1013 hPa"],
    ["velocitykmh", 90, "90 km/h"],
    ["litre", 0.5, "500 mL"],
    ["flops", 1e12, "1 TFLOPS"],
    ["MHs", 2000, "2 GH/s"],
    // Money
    ["currencyUSD", 1234, "$1.23k"],
    ["currencyEUR", -5, "−€5"],
    ["currencySEK", 5, "5 kr"],
    ["currency:CHF", 5, "5 CHF"],
    ["currency:§", 5, "§5"],
    // Of the dashboard's own
    ["suffix:widgets", 3, "3 widgets"],
    ["prefix:~", 1500, "~1.5k"],
    ["si:mF", 1500, "1.5 F"],
    ["si:Bq", 1500, "1.5 kBq"],
    ["si:m", 1500, "1.5 km"],
    ["count:jobs", 1500, "1.5k jobs"],
  ])("%s: %d is %s", (unit, value, text) => {
    expect(formatValue(value, unit)).toBe(text);
    expect(isKnownUnit(unit)).toBe(true);
  });

  it("keeps the decimals that are asked for", () => {
    expect(formatValue(1500, "watt", 2)).toBe("1.50 kW");
    expect(formatValue(1234, "currencyUSD", 0)).toBe("$1k");
    expect(formatValue(0.5, "reqps", 1)).toBe("0.5 req/s");
    expect(formatValue(1.23456, "locale", 1)).toBe("1.2");
  });

  it("tells how long ago, or how soon, and leaves out the present day", () => {
    vi.useFakeTimers({ now: MOMENT });
    try {
      expect(formatValue(MOMENT - 90_000, "dateTimeFromNow")).toBe("1 min 30 s ago");
      expect(formatValue(MOMENT + 3_600_000, "dateTimeFromNow")).toBe("in 1 h");
      expect(formatValue(MOMENT, "dateTimeAsIsoNoDateIfToday")).toBe("15:06:07");
      expect(formatValue(MOMENT - 86_400_000, "dateTimeAsIsoNoDateIfToday")).toBe("2026-03-03 15:06:07");
    } finally {
      vi.useRealTimers();
    }
  });

  it("writes a moment that there is not as a dash", () => {
    expect(formatValue(1e20, "dateTimeAsIso")).toBe("–");
  });

  it("does not take another text for a unit", () => {
    for (const unit of ["nothing:x", ":", "toString", "constructor", "currencyXXX"]) {
      expect(isKnownUnit(unit), unit).toBe(false);
      expect(formatValue(1500, unit), unit).toBe("1.5k");
    }
  });
});

describe("formatTicks", () => {
  it("has as many digits as tell the labels apart", () => {
    expect(formatTicks([1, 2, 3], "s")).toEqual(["1 s", "2 s", "3 s"]);
    expect(formatTicks([10_000, 10_010, 10_020], "short")).toEqual(["10.00k", "10.01k", "10.02k"]);
    expect(formatTicks([0, 0.5], "bytes")).toEqual(["0 B", "0.5 B"]);
    expect(formatTicks([0.1, 0.2], "short", 0)).toEqual(["0", "0"]);
  });
});
