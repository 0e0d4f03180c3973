// Numbers, dates and names in the reader's language. What is no number is a dash.

const page = window.reportPage;
delete window.reportPage;

const DASH = "–";
const DAY_MS = 86400000;

const formatters = new Map();

function formatter(kind, options) {
  const key = kind + JSON.stringify(options);
  if (!formatters.has(key)) {
    let made;
    try {
      made = new Intl[kind](navigator.languages && navigator.languages.length ? [...navigator.languages] : undefined, options);
    } catch {
      made = new Intl[kind](undefined, options); // a browser whose language is none
    }
    formatters.set(key, made);
  }
  return formatters.get(key);
}

// As text, because 472.115 is a little less as a number of the machine, and would not be rounded up.
function writeNumber(value, options, before = "") {
  const format = formatter("NumberFormat", options);
  const text = format.format(Math.abs(value).toPrecision(15));
  return (value < 0 && text !== format.format(0) ? "-" : "") + before + text;
}

function writeCount(value) {
  return writeNumber(value, { maximumFractionDigits: 0 });
}

const MOMENTS = {
  date: { day: "numeric", month: "short", year: "numeric" },
  datetime: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
  hour: { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" },
  day: { day: "2-digit", month: "short" },
  week: { day: "2-digit", month: "short" },
  month: { month: "short", year: "numeric" },
  quarter: { month: "short", year: "numeric" },
  year: { year: "numeric" },
};

function writeMoment(ms, format) {
  return formatter("DateTimeFormat", { ...MOMENTS[format], timeZone: "UTC" }).format(new Date(ms));
}

function writeDays(startMs, endMs) {
  const format = formatter("DateTimeFormat", { ...MOMENTS.date, timeZone: "UTC" });
  return format.formatRange(new Date(startMs), new Date(endMs - DAY_MS));
}

function namePeriod(ms, period) {
  if (period === "week") return `The week from ${writeMoment(ms, "date")}`;
  if (period === "quarter") return `Q${Math.floor(new Date(ms).getUTCMonth() / 3) + 1} ${new Date(ms).getUTCFullYear()}`;
  return writeMoment(ms, period === "hour" ? "datetime" : period === "day" ? "date" : period);
}

// The beginning of a month, a quarter or a year as its name; everything else as the writer has it.
function writeInPeriod(value, period, writer) {
  const isNamed = ["month", "quarter", "year"].includes(period) && value !== null && new Date(value).getUTCDate() === 1;
  return isNamed ? namePeriod(value, period) : writer.write(value);
}

// As values.py decides: none where all are whole, more where the largest is below one.
function decimalsOf(values) {
  const finite = values.filter((value) => typeof value === "number" && isFinite(value)).map(Math.abs);
  if (finite.every((value) => value === Math.floor(value))) return 0;
  const largest = Math.max(...finite);
  return largest >= 1 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(largest)));
}

// Of a column of percents: two places where all are below ten.
function percentPlaces(values) {
  const largest = Math.max(0, ...values.filter((value) => typeof value === "number" && isFinite(value)).map(Math.abs));
  return largest > 0 && largest < 0.1 ? 2 : 1;
}

// How the values of one column are written: all alike, so that they can be compared.
function makeWriter(values, kind, declared) {
  const format = declared || { number: "number", date: "date", time: "datetime" }[kind] || "text";
  const isNumeric = format === "number" || format === "money" || format === "percent";
  const decimals = format === "number" ? decimalsOf(values) : format === "percent" ? percentPlaces(values) : 0;
  const write = (value) => {
    if (value === null || value === undefined || value === "") return value === "" ? "" : DASH;
    if (isNumeric && typeof value === "number" && kind !== "date" && kind !== "time") {
      if (!isFinite(value)) return DASH;
      if (format === "percent") {
        return writeNumber(value, { style: "percent", minimumFractionDigits: decimals, maximumFractionDigits: decimals });
      }
      const places = format === "money" ? 2 : decimals;
      const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
      return writeNumber(value, digits, format === "money" ? page.currency : "");
    }
    if (kind === "date" || kind === "time") return writeMoment(value, format === "datetime" ? "datetime" : "date");
    return String(value);
  };
  return { format, isNumeric, decimals, write };
}

// How the numbers of an axis are written: short, as there is little room.
function makeAxisWriter(writer, largest) {
  if (writer.format === "percent") {
    return (value) => writeNumber(value, { style: "percent", maximumFractionDigits: largest > 0.1 ? 0 : 1 });
  }
  if (largest >= 10000) return (value) => writeNumber(value, { notation: "compact", maximumFractionDigits: 1 });
  return (value) => writeNumber(value, { maximumSignificantDigits: 6 });
}

function inSentence(label) {
  const second = label.slice(1, 2);
  return second && second === second.toUpperCase() && second !== second.toLowerCase() ? label : label.slice(0, 1).toLowerCase() + label.slice(1);
}
