// A block's rows as the points of its chart, as charts/along.py, parts.py and places.py read them.

const MOST_SERIES = 8;
const MOST_CATEGORIES = 40;
const MOST_PARTS = 6;
const MOST_PLACES = 500;

function makeSeries(block, table, chosen) {
  if (block.type === "donut") return readParts(block, table);
  if (block.type === "scatter") return readPlaces(block, table);
  const series = readAlong(block, table, block.y, block.format, chosen);
  if (block.line) series.line = readAlong(block, table, [block.line], block.line_format, chosen);
  return series;
}

function readAlong(block, table, columns, format, chosen) {
  const xs = column(table, block.x);
  const kind = kindOf(table, block.x);
  const isMoment = kind === "date" || kind === "time";
  const writeX = makeWriter(xs, kind);
  const writer = makeWriter(columns.flatMap((name) => column(table, name)), "number", format);
  const late = new Set(block.axis === "time" ? xs.filter((x) => x !== null && isUnfinished(x, block.period)) : []);
  const cut = block.axis === "time" ? cutPeriods(block, xs, chosen) : new Set();
  const points = [];
  for (const name of columns) {
    const colors = block.color ? column(table, block.color).map(nameOf) : null;
    column(table, name).forEach((y, n) => {
      if (xs[n] === null) return;
      const series = colors ? colors[n] : columns.length > 1 || block.type === "combined" ? block.labels[name] : "";
      const x = isMoment || block.axis === "number" ? xs[n] : writeX.write(xs[n]);
      const why = late.has(x) ? " (not over yet)" : cut.has(x) ? " (a part of it)" : "";
      const text = `${series ? `${series}, ` : ""}${writeInPeriod(xs[n], block.period, writeX)}: ${writer.write(y)}${why}`;
      points.push({ x, y: typeof y === "number" ? y : null, series, text, late: late.has(x) || cut.has(x) });
    });
  }
  if (block.axis !== "category") points.sort((one, other) => one.x - other.x);
  const told = [tellUnfinished(points, new Set([...late].filter((x) => !cut.has(x))), block.period), tellCut(cut, block.period)];
  const kept = cutPoints(points, block.axis, told);
  return { points: kept, names: unique(kept.map((point) => point.series)), writer, told: told.filter(Boolean).join(" ") };
}

// Periods of which the chosen time holds only a part: they are no whole ones either.
function cutPeriods(block, xs, chosen) {
  const range = chosen.range === null ? null : page.ranges[chosen.range];
  const isDay = block.cube !== undefined && page.cubes[block.cube].dimensions[0].day;
  if (!range || !isDay || !block.period || block.period === "hour" || block.period === "day") return new Set();
  const [start, end] = range.map((day) => day * DAY_MS);
  return new Set(xs.filter((x) => x !== null && (x < start || endOf(x, block.period) > end)));
}

function tellUnfinished(points, late, period) {
  const found = unique(points.map((point) => point.x).filter((x) => late.has(x))).sort((one, other) => one - other);
  if (!found.length || !period) return "";
  const name = namePeriod(found[0], period);
  return `${found.length > 1 ? `${name} and what follows` : name} is not complete yet: drawn pale or dashed.`;
}

function tellCut(cut, period) {
  if (!cut.size) return "";
  const names = [...cut].sort((one, other) => one - other).map((x) => namePeriod(x, period));
  return `Of ${names.join(" and ")} only the chosen days are counted: drawn pale or dashed.`;
}

function cutPoints(points, axis, told) {
  const sizes = new Map();
  for (const point of points) sizes.set(point.series, (sizes.get(point.series) || 0) + Math.abs(point.y || 0));
  if (sizes.size > MOST_SERIES) {
    const largest = new Set([...sizes.keys()].sort((one, other) => sizes.get(other) - sizes.get(one)).slice(0, MOST_SERIES));
    points = points.filter((point) => largest.has(point.series));
    told.push(`The ${MOST_SERIES} largest of ${writeCount(sizes.size)} series are drawn.`);
  }
  const categories = axis === "category" ? unique(points.map((point) => point.x)) : [];
  if (categories.length > MOST_CATEGORIES) {
    const kept = new Set(categories.slice(0, MOST_CATEGORIES));
    points = points.filter((point) => kept.has(point.x));
    told.push(`The first ${MOST_CATEGORIES} of ${writeCount(categories.length)} are drawn.`);
  }
  return points;
}

function readParts(block, table) {
  const values = column(table, block.y[0]);
  const writer = makeWriter(values, "number", block.format);
  const sizes = new Map();
  column(table, block.x).map(nameOf).forEach((name, n) => sizes.set(name, (sizes.get(name) || 0) + (values[n] || 0)));
  let parts = [...sizes].filter(([, size]) => size > 0).sort((one, other) => other[1] - one[1]);
  const without = [...sizes].filter(([, size]) => size <= 0).map(([name]) => name);
  const most = Math.min(block.limit || MOST_PARTS, PALETTE.length - 1);
  const rest = parts.slice(most);
  if (rest.length > 1) {
    parts = [...parts.slice(0, most), [`Other (${writeCount(rest.length)})`, rest.reduce((sum, [, size]) => sum + size, 0)]];
  }
  const total = parts.reduce((sum, [, size]) => sum + size, 0);
  const points = parts.map(([name, size]) => {
    const words = `${writer.write(size)} (${writeShare(size, total)})`;
    return { x: name, y: size, series: name, words, share: writeShare(size, total), text: `${name}: ${words}` };
  });
  const verb = without.length === 1 ? "has" : "have";
  const told = !without.length
    ? ""
    : without.length > 3
      ? `${writeCount(without.length)} parts of zero or less have no slice.`
      : `${without.join(", ")} ${verb} no slice: nothing above zero.`;
  return { points, names: parts.map(([name]) => name), writer, told, total };
}

function writeShare(size, total) {
  return total ? makeWriter([], "number", "percent").write(size / total) : "";
}

function readPlaces(block, table) {
  const [xs, ys] = [column(table, block.x), column(table, block.y[0])];
  const xWriter = makeWriter(xs, "number", block.x_format);
  const writer = makeWriter(ys, "number", block.format);
  const [xLabel, yLabel] = [block.labels[block.x], block.labels[block.y[0]]];
  const pick = (name) => (name ? column(table, name) : xs.map(() => null));
  const [names, colors, sizes] = [pick(block.point), pick(block.color), pick(block.size)];
  let points = [];
  xs.forEach((x, n) => {
    if (typeof x !== "number" || typeof ys[n] !== "number") return;
    const name = block.point ? nameOf(names[n]) : "";
    const text = `${name ? `${name}: ` : ""}${xLabel} ${xWriter.write(x)}, ${yLabel} ${writer.write(ys[n])}`;
    points.push({ x, y: ys[n], series: block.color ? nameOf(colors[n]) : "", text, name, size: sizes[n] });
  });
  const told = [];
  const without = xs.length - points.length;
  if (without) told.push(`${writeCount(without)} without ${xLabel} or ${yLabel} ${without === 1 ? "is" : "are"} not drawn.`);
  const counts = new Map();
  for (const point of points) counts.set(point.series, (counts.get(point.series) || 0) + 1);
  if (counts.size > MOST_SERIES) {
    const kept = new Set([...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one)).slice(0, MOST_SERIES));
    points = points.filter((point) => kept.has(point.series));
    told.push(`The ${MOST_SERIES} largest of ${writeCount(counts.size)} series are drawn.`);
  }
  if (points.length > MOST_PLACES) told.push(`The first ${MOST_PLACES} of ${writeCount(points.length)} points are drawn.`);
  points = points.slice(0, MOST_PLACES);
  return { points, names: unique(points.map((point) => point.series)), writer, xWriter, told: told.join(" ") };
}

function nameOf(value) {
  return value === null || value === "" ? DASH : String(value);
}

function unique(values) {
  return [...new Set(values)];
}

function isEmpty(series) {
  return series.points.every((point) => point.y === null) && (!series.line || isEmpty(series.line));
}

// Each series keeps the colour, pattern and shape that it has without any filter.
function placesOf(block, names) {
  const base = block.names || [];
  const found = new Map();
  const taken = new Set();
  for (const name of names) {
    const place = base.indexOf(name);
    if (place >= 0 && place < MOST_SERIES) found.set(name, place), taken.add(place);
  }
  for (const name of names) {
    if (found.has(name)) continue;
    let place = 0;
    while (taken.has(place)) place++;
    found.set(name, place), taken.add(place);
  }
  return found;
}
