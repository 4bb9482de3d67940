/** Grafana's unit identifiers: what each scales by, and what is written around the number. */

/** How the values of a unit are written. */
export type Unit =
  /** A number and a text after it: "21.5 °C". */
  | { kind: "plain"; suffix: string; factor?: number }
  /** Thousands as k, M, G directly behind the number: "1.5k req/s". */
  | { kind: "count"; suffix: string; prefix?: string }
  /** A prefix to the symbol, from nano to exa: "1.5 kW". `power` is the one in which values are given. */
  | { kind: "si"; symbol: string; power: number; small: boolean }
  /** Multiples of 1024: "1.5 KiB". `power` is the one in which values are given. */
  | { kind: "iec"; symbol: string; power: number }
  /** A length of time; `seconds` are in one of the unit. */
  | { kind: "time"; seconds: number }
  /** A length of time in all its parts. */
  | { kind: "duration"; seconds: number; form: "words" | "clock" | "hms" | "dhms" }
  /** A moment in Unix milliseconds. */
  | { kind: "date"; form: "iso" | "us" | "local" | "ago" | "custom"; noDateToday?: boolean; pattern?: string }
  | { kind: "bool"; yes: string; no: string }
  | { kind: "locale" | "scientific" | "string" }
  | { kind: "hex"; prefix: string };

type Row = [string, Unit];

const plain = (suffix: string, factor = 1): Unit => ({ kind: "plain", suffix, factor });
const count = (suffix: string, prefix = ""): Unit => ({ kind: "count", suffix, prefix });
const si = (symbol: string, power = 0, small = true): Unit => ({ kind: "si", symbol, power, small });
const iec = (symbol: string, power = 0): Unit => ({ kind: "iec", symbol, power });

/** Identifiers whose unit is the text after the number. */
const SUFFIXES: Record<string, string> = {
  humidity: " %H",
  dB: " dB",
  dBm: " dBm",
  pixel: " px",
  accMS2: " m/s²",
  accFS2: " ft/s²",
  accG: " g",
  degree: "°",
  radian: " rad",
  grad: " grad",
  arcmin: "′",
  arcsec: "″",
  areaM2: " m²",
  areaF2: " ft²",
  areaMI2: " mi²",
  acres: " ac",
  hectares: " ha",
  ppm: " ppm",
  conppb: " ppb",
  conngm3: " ng/m³",
  conngNm3: " ng/Nm³",
  conμgm3: " µg/m³",
  conμgNm3: " µg/Nm³",
  conmgm3: " mg/m³",
  conmgNm3: " mg/Nm³",
  congm3: " g/m³",
  congNm3: " g/Nm³",
  conmgdL: " mg/dL",
  conmmolL: " mmol/L",
  celsius: " °C",
  fahrenheit: " °F",
  kelvin: " K",
  lengthin: " in",
  lengthft: " ft",
  lengthmi: " mi",
  masslb: " lb",
  pressurehg: " inHg",
  pressurepsi: " psi",
  Wm2: " W/m²",
  watthperkg: " Wh/kg",
  flowgpm: " gpm",
  flowcms: " m³/s",
  flowcfs: " ft³/s",
  flowcfm: " ft³/min",
  litreh: " L/h",
  flowlpm: " L/min",
  flowmlpm: " mL/min",
  lux: " lx",
  rotrpm: " rpm",
  rotrads: " rad/s",
  rotdegs: " °/s",
  velocityms: " m/s",
  velocitykmh: " km/h",
  velocitymph: " mph",
  velocityknot: " kn",
  m3: " m³",
  Nm3: " Nm³",
  dm3: " dm³",
  gallons: " gal",
};

/** What is counted, in a second or a minute. */
const COUNTS: Record<string, string> = {
  none: "",
  short: "",
  cps: " c/s",
  ops: " ops/s",
  reqps: " req/s",
  rps: " rd/s",
  wps: " wr/s",
  iops: " io/s",
  eps: " evt/s",
  mps: " msg/s",
  recps: " rec/s",
  rowsps: " rows/s",
  pps: " p/s",
  cpm: " c/min",
  opm: " ops/min",
  reqpm: " req/min",
  rpm: " rd/min",
  wpm: " wr/min",
  epm: " evt/min",
  mpm: " msg/min",
  recpm: " rec/min",
};

const CURRENCIES: Record<string, [string, "before" | "after"]> = {
  USD: ["$", "before"],
  GBP: ["£", "before"],
  EUR: ["€", "before"],
  JPY: ["¥", "before"],
  RUB: ["₽", "before"],
  UAH: ["₴", "before"],
  BRL: ["R$", "before"],
  BTC: ["₿", "before"],
  mBTC: ["mBTC", "before"],
  μBTC: ["μBTC", "before"],
  ZAR: ["R", "before"],
  INR: ["₹", "before"],
  KRW: ["₩", "before"],
  IDR: ["Rp", "before"],
  PHP: ["PHP", "before"],
  VND: ["đ", "after"],
  TRY: ["₺", "before"],
  MYR: ["RM", "before"],
  XPF: ["XPF", "before"],
  ILS: ["₪", "before"],
  DKK: ["kr", "after"],
  ISK: ["kr", "after"],
  NOK: ["kr", "after"],
  SEK: ["kr", "after"],
  CZK: ["Kč", "after"],
  CHF: ["CHF", "after"],
  PLN: ["zł", "after"],
  BGN: ["BGN", "after"],
  PYG: ["₲", "after"],
  UYU: ["UYU", "after"],
  ARS: ["ARS", "before"],
  CNY: ["¥", "before"],
};

const ROWS: Row[] = [
  ["string", { kind: "string" }],
  ["percent", plain(" %")],
  ["percentunit", plain(" %", 100)],
  ["locale", { kind: "locale" }],
  ["sci", { kind: "scientific" }],
  ["hex", { kind: "hex", prefix: "" }],
  ["hex0x", { kind: "hex", prefix: "0x" }],
  ["bool", { kind: "bool", yes: "True", no: "False" }],
  ["bool_yes_no", { kind: "bool", yes: "Yes", no: "No" }],
  ["bool_on_off", { kind: "bool", yes: "On", no: "Off" }],

  ["ns", { kind: "time", seconds: 1e-9 }],
  ["µs", { kind: "time", seconds: 1e-6 }],
  ["μs", { kind: "time", seconds: 1e-6 }],
  ["ms", { kind: "time", seconds: 1e-3 }],
  ["s", { kind: "time", seconds: 1 }],
  ["m", { kind: "time", seconds: 60 }],
  ["h", { kind: "time", seconds: 3600 }],
  ["d", { kind: "time", seconds: 86_400 }],
  ["timeticks", { kind: "time", seconds: 0.01 }],
  ["dtdurationms", { kind: "duration", seconds: 1e-3, form: "words" }],
  ["dtdurations", { kind: "duration", seconds: 1, form: "words" }],
  ["clockms", { kind: "duration", seconds: 1e-3, form: "clock" }],
  ["clocks", { kind: "duration", seconds: 1, form: "clock" }],
  ["dthms", { kind: "duration", seconds: 1, form: "hms" }],
  ["dtdhms", { kind: "duration", seconds: 1, form: "dhms" }],
  ["dateTimeAsIso", { kind: "date", form: "iso" }],
  ["dateTimeAsIsoNoDateIfToday", { kind: "date", form: "iso", noDateToday: true }],
  ["dateTimeAsUS", { kind: "date", form: "us" }],
  ["dateTimeAsUSNoDateIfToday", { kind: "date", form: "us", noDateToday: true }],
  ["dateTimeAsLocal", { kind: "date", form: "local" }],
  ["dateTimeAsLocalNoDateIfToday", { kind: "date", form: "local", noDateToday: true }],
  ["dateTimeAsSystem", { kind: "date", form: "iso" }],
  ["dateTimeFromNow", { kind: "date", form: "ago" }],

  ["bytes", iec("B")],
  ["kbytes", iec("B", 1)],
  ["mbytes", iec("B", 2)],
  ["gbytes", iec("B", 3)],
  ["tbytes", iec("B", 4)],
  ["pbytes", iec("B", 5)],
  ["bits", iec("b")],
  ["decbytes", si("B", 0, false)],
  ["deckbytes", si("B", 1, false)],
  ["decmbytes", si("B", 2, false)],
  ["decgbytes", si("B", 3, false)],
  ["dectbytes", si("B", 4, false)],
  ["decpbytes", si("B", 5, false)],
  ["decbits", si("b", 0, false)],
  ["binBps", iec("B/s")],
  ["KiBs", iec("B/s", 1)],
  ["MiBs", iec("B/s", 2)],
  ["GiBs", iec("B/s", 3)],
  ["TiBs", iec("B/s", 4)],
  ["PiBs", iec("B/s", 5)],
  ["binbps", iec("b/s")],
  ["Kibits", iec("b/s", 1)],
  ["Mibits", iec("b/s", 2)],
  ["Gibits", iec("b/s", 3)],
  ["Tibits", iec("b/s", 4)],
  ["Pibits", iec("b/s", 5)],
  ["Bps", si("B/s", 0, false)],
  ["KBs", si("B/s", 1, false)],
  ["MBs", si("B/s", 2, false)],
  ["GBs", si("B/s", 3, false)],
  ["TBs", si("B/s", 4, false)],
  ["PBs", si("B/s", 5, false)],
  ["bps", si("b/s", 0, false)],
  ["Kbits", si("b/s", 1, false)],
  ["Mbits", si("b/s", 2, false)],
  ["Gbits", si("b/s", 3, false)],
  ["Tbits", si("b/s", 4, false)],
  ["Pbits", si("b/s", 5, false)],

  ["hertz", si("Hz")],
  ["rothz", si("Hz")],
  ["flops", si("FLOPS")],
  ["mflops", si("FLOPS", 2)],
  ["gflops", si("FLOPS", 3)],
  ["tflops", si("FLOPS", 4)],
  ["pflops", si("FLOPS", 5)],
  ["eflops", si("FLOPS", 6)],
  ["Hs", si("H/s")],
  ["KHs", si("H/s", 1)],
  ["MHs", si("H/s", 2)],
  ["GHs", si("H/s", 3)],
  ["THs", si("H/s", 4)],
  ["PHs", si("H/s", 5)],
  ["EHs", si("H/s", 6)],
  ["watt", si("W")],
  ["kwatt", si("W", 1)],
  ["megwatt", si("W", 2)],
  ["gwatt", si("W", 3)],
  ["mwatt", si("W", -1)],
  ["voltamp", si("VA")],
  ["kvoltamp", si("VA", 1)],
  ["voltampreact", si("var")],
  ["kvoltampreact", si("var", 1)],
  ["watth", si("Wh")],
  ["kwatth", si("Wh", 1)],
  ["kwattm", si("W-min", 1)],
  ["amph", si("Ah")],
  ["kamph", si("Ah", 1)],
  ["mamph", si("Ah", -1)],
  ["joule", si("J")],
  ["ev", si("eV")],
  ["amp", si("A")],
  ["kamp", si("A", 1)],
  ["mamp", si("A", -1)],
  ["volt", si("V")],
  ["kvolt", si("V", 1)],
  ["mvolt", si("V", -1)],
  ["ohm", si("Ω")],
  ["mohm", si("Ω", -1)],
  ["kohm", si("Ω", 1)],
  ["Mohm", si("Ω", 2)],
  ["farad", si("F")],
  ["µfarad", si("F", -2)],
  ["nfarad", si("F", -3)],
  ["pfarad", si("F", -4)],
  ["ffarad", si("F", -5)],
  ["henry", si("H")],
  ["mhenry", si("H", -1)],
  ["µhenry", si("H", -2)],
  ["lumens", si("lm")],
  ["forceNm", si("Nm")],
  ["forcekNm", si("Nm", 1)],
  ["forceN", si("N")],
  ["forcekN", si("N", 1)],
  ["massmg", si("g", -1)],
  ["massg", si("g")],
  ["masskg", si("g", 1)],
  ["masst", si("t")],
  ["lengthmm", si("m", -1)],
  ["lengthm", si("m")],
  ["lengthkm", si("m", 1)],
  ["pressurembar", si("bar", -1)],
  ["pressurebar", si("bar")],
  ["pressurekbar", si("bar", 1)],
  ["pressurepa", si("Pa")],
  ["pressurehpa", plain(" hPa")],
  ["pressurekpa", si("Pa", 1)],
  ["radbq", si("Bq")],
  ["radci", si("Ci")],
  ["radgy", si("Gy")],
  ["radrad", si("rad")],
  ["radsv", si("Sv")],
  ["radmsv", si("Sv", -1)],
  ["radusv", si("Sv", -2)],
  ["radrem", si("rem")],
  ["radexpckg", si("C/kg")],
  ["radr", si("R")],
  ["radsvh", si("Sv/h")],
  ["radmsvh", si("Sv/h", -1)],
  ["radusvh", si("Sv/h", -2)],
  ["litre", si("L")],
  ["mlitre", si("L", -1)],
];

const UNITS = new Map<string, Unit>([
  ...ROWS,
  ...Object.entries(SUFFIXES).map(([id, suffix]): Row => [id, plain(suffix)]),
  ...Object.entries(COUNTS).map(([id, suffix]): Row => [id, id === "none" ? plain("") : count(suffix)]),
  ...Object.keys(CURRENCIES).map((code): Row => [`currency${code}`, currency(code)]),
]);

function currency(code: string): Unit {
  const [symbol, place] = CURRENCIES[code] ?? [code, "before"];
  return place === "before" ? count("", symbol) : count(` ${symbol}`);
}

/** Returns how a unit is written, null where the identifier is not known. */
export function unitOf(id: string): Unit | null {
  return UNITS.get(id) ?? custom(id);
}

/** Units that a dashboard makes up: `suffix:`, `prefix:`, `si:`, `count:`, `currency:` and `time:`. */
function custom(id: string): Unit | null {
  const colon = id.indexOf(":");
  if (colon < 1) {
    return null;
  }
  const rest = id.slice(colon + 1);
  let unit: Unit | null;
  switch (id.slice(0, colon)) {
    case "suffix":
      unit = plain(rest === "" ? "" : ` ${rest.trimStart()}`);
      break;
    case "prefix":
      unit = count("", rest);
      break;
    case "count":
      unit = count(rest === "" ? "" : ` ${rest.trimStart()}`);
      break;
    case "si":
      unit = customSi(rest);
      break;
    case "currency":
      // "currency:financial:…:suffix" is how newer files say what follows the number.
      unit = financial(rest);
      break;
    case "time":
      unit = { kind: "date", form: "custom", pattern: rest };
      break;
    default:
      return null;
  }
  UNITS.set(id, unit);
  return unit;
}

const SI_POWERS = ["f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E"];

/** `si:mF` is farads given in thousandths; `si:F` farads. */
function customSi(text: string): Unit {
  const first = text.charAt(0).replace("K", "k").replace("μ", "µ").replace("u", "µ");
  const at = text.length > 1 ? SI_POWERS.indexOf(first) : -1;
  return at >= 0 && first !== "" ? si(text.slice(1), at - 5) : si(text);
}

function financial(text: string): Unit {
  const [symbol = "", place = ""] = text.replace(/^financial:/, "").split(":");
  if (Object.hasOwn(CURRENCIES, symbol)) {
    return currency(symbol);
  }
  return place === "suffix" ? count(` ${symbol}`) : count("", symbol);
}
