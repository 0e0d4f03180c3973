// Lines, areas and bars along an axis from left to right, bars with a line, and bars that lie below one another.

const PALE = { "fill-opacity": 0.28, "stroke-width": 1.2, "stroke-dasharray": "3,3" };
const LABEL_ROOM = 64;
const NAME_ROOM = 150;

function drawChart(block, series, width) {
  const places = placesOf(block, series.names);
  if (block.type === "donut") return drawDonut(block, series, width, places);
  if (block.type === "scatter") return drawScatter(block, series, width, places);
  if (block.axis === "category" && (block.type === "bar" || block.type === "stacked_bar")) return drawLying(block, series, width, places);
  return drawStanding(block, series, width, places);
}

function heights(series, isStacked) {
  const known = series.points.filter((point) => point.y !== null);
  if (!isStacked) return known.map((point) => point.y);
  const sums = new Map();
  for (const { x, y } of known) {
    const [below, above] = sums.get(x) || [0, 0];
    sums.set(x, y < 0 ? [below + y, above] : [below, above + y]);
  }
  return [...sums.values()].flat();
}

function largestOf(values) {
  return Math.max(0, ...values.map(Math.abs));
}

function drawStanding(block, series, width, places) {
  const { svg, finish, height } = makeCanvas(block, series, width);
  const many = series.names.length > 1;
  const isStacked = many && (block.type === "stacked_bar" || block.type === "area");
  const isBand = ["bar", "stacked_bar", "combined"].includes(block.type);
  const numbers = heights(series, isStacked);
  let ticks = niceTicks(numbers);
  let lineTicks = [];
  const linePlace = series.names.length;
  if (series.line) [ticks, lineTicks] = commonTicks(numbers, heights(series.line, false));
  const words = makeAxisWriter(series.writer, largestOf(numbers));
  const lineWords = series.line ? makeAxisWriter(series.line.writer, largestOf(heights(series.line, false))) : null;
  const symbol = isBand || (isStacked && !isBand) ? "square" : undefined;
  const entries = many || block.color || series.line ? series.names.map((name) => ({ text: name, place: places.get(name), symbol })) : [];
  if (series.line) {
    const how = block.axis === "category" ? "diamond" : "stroke";
    entries.push({ text: `${series.line.names[0]} (right axis)`, place: linePlace, symbol: how });
  }
  const top = drawLegend(svg, entries, width) + 8;
  const left = widest(ticks, words) + 12;
  const right = width - (series.line ? widest(lineTicks, lineWords) + 12 : 18);
  const box = { left, right, top, bottom: top + height, width };
  const y = scaleOf(ticks[0], ticks[ticks.length - 1], box.bottom, box.top);
  drawNumbers(svg, box, ticks, y, words);
  const x = drawPlaces(svg, block, series, box, isBand);
  if (isBand) drawBars(svg, series, x, y, places, isStacked);
  else drawLines(svg, block, series, x.middle, y, places, isStacked);
  if (series.line) {
    const scale = scaleOf(lineTicks[0], lineTicks[lineTicks.length - 1], box.bottom, box.top);
    drawNumbers(svg, box, lineTicks, scale, lineWords, { right: true });
    drawRightLine(svg, block, series.line, x.middle, scale, linePlace);
  }
  return finish(box.bottom + (x.below || 26));
}

// The axis below, and where things stand along it: {middle(x), at(x), width}.
function drawPlaces(svg, block, series, box, isBand) {
  const xs = unique([...series.points, ...(series.line ? series.line.points : [])].map((point) => point.x));
  if (block.axis === "time") {
    xs.sort((one, other) => one - other);
    const periods = periodsBetween(xs, block.period);
    const { moments, format } = labelled(periods, block.period, Math.floor((box.right - box.left) / LABEL_ROOM));
    const bands = bandsOf(isBand ? periods : [], box.left, box.right);
    const scale = scaleOf(xs[0], xs[xs.length - 1], box.left, box.right);
    const middle = isBand ? bands.middle : xs.length > 1 ? scale : () => (box.left + box.right) / 2;
    drawBelow(svg, box, moments.map((moment) => [middle(moment), format === "quarter" ? namePeriod(moment, format) : writeMoment(moment, format)]));
    return { ...bands, middle };
  }
  if (block.axis === "number" && !isBand) {
    const [low, high] = [Math.min(...xs), Math.max(...xs)];
    const scale = xs.length > 1 ? scaleOf(low, high, box.left, box.right) : () => (box.left + box.right) / 2;
    const words = makeAxisWriter(makeWriter(xs, "number"), largestOf(xs));
    const ticks = niceTicks(xs, { zero: false }).filter((value) => value >= low && value <= high);
    drawBelow(svg, box, (ticks.length ? ticks : xs).map((value) => [scale(value), words(value)]));
    return { middle: scale };
  }
  if (block.axis === "number") xs.sort((one, other) => one - other);
  const bands = bandsOf(xs, box.left, box.right);
  const names = xs.map((x) => (typeof x === "number" ? makeWriter(xs, "number").write(x) : x));
  if (block.axis === "category" && names.some((name) => textWidth(name) > bands.step - 8)) {
    draw(svg, "path", { d: `M${round(box.left)},${round(box.bottom)}H${round(box.right)}`, stroke: LINE });
    names.forEach((name, n) => {
      const [at, y] = [round(bands.middle(xs[n])), round(box.bottom + 14)];
      const short = shorten(name, 110);
      explain(write(svg, short, at, y, { anchor: "end", transform: `rotate(-40 ${at} ${y})` }), name);
    });
    const longest = Math.max(...names.map((name) => textWidth(shorten(name, 110))));
    return { ...bands, below: 22 + longest * 0.65 };
  }
  drawBelow(svg, box, xs.map((x, n) => [bands.middle(x), names[n]]), 90);
  return bands;
}

function drawBars(svg, series, x, y, places, isStacked) {
  const side = isStacked ? 1 : series.names.length;
  const width = x.width / side;
  const ends = new Map();
  for (const name of series.names) {
    for (const point of series.points) {
      if (point.series !== name || point.y === null || x.at(point.x) === undefined) continue;
      const key = `${point.x} ${point.y < 0}`;
      const from = isStacked ? ends.get(key) || 0 : 0;
      ends.set(key, from + point.y);
      const left = x.at(point.x) + (isStacked ? 0 : series.names.indexOf(name) * width);
      drawBar(svg, point, places.get(name), { left, width, from: y(from), to: y(from + point.y) }, isStacked);
    }
  }
}

function drawBar(svg, point, place, { left, width, from, to }, isStacked) {
  const radius = isStacked ? 0 : Math.min(2, width / 2, Math.abs(to - from));
  const down = to > from ? -1 : 1;
  const d = `M${round(left)},${round(from)}V${round(to + radius * down)}q0,${round(-radius * down)},${round(radius)},${round(-radius * down)}H${round(left + width - radius)}q${round(radius)},0,${round(radius)},${round(radius * down)}V${round(from)}Z`;
  const stroke = point.late ? { ...PALE, stroke: PALETTE[place] } : isStacked ? { stroke: CARD, "stroke-width": 0.8 } : {};
  explain(draw(svg, "path", { d, fill: fillOf(place), ...stroke }), point.text);
}

// Runs of points without a gap; `late` ones with the one before them, so that the line goes on.
function runsOf(points, isLate) {
  const runs = [[]];
  points.forEach((point, n) => {
    const isIn = point.y !== null && (isLate ? point.late || (points[n + 1] || {}).late : !point.late);
    if (isIn) runs[runs.length - 1].push(point);
    else runs.push([]);
  });
  return runs.filter((run) => run.length > (isLate ? 1 : 0));
}

function lineThrough(run, x, y) {
  return `M${run.map((point) => `${round(x(point.x))},${round(y(point.y))}`).join("L")}`;
}

function drawLines(svg, block, series, x, y, places, isStacked) {
  if (isStacked) return drawStackedAreas(svg, series, x, y, places);
  const few = series.points.length <= 14 * series.names.length;
  series.names.forEach((name, order) => {
    const place = places.get(name);
    const points = series.points.filter((point) => point.series === name);
    const weight = points.length > 150 ? 1.5 : 2;
    const stroke = { stroke: PALETTE[place], fill: "none", "stroke-width": weight, "stroke-linejoin": "round", "stroke-linecap": "round" };
    for (const [isLate, opacity, dashes] of [[false, 0.18, {}], [true, 0.07, { "stroke-dasharray": "3,4", opacity: 0.75 }]]) {
      for (const run of runsOf(points, isLate)) {
        const line = lineThrough(run, x, y);
        if (block.type === "area") {
          const [first, last] = [round(x(run[0].x)), round(x(run[run.length - 1].x))];
          draw(svg, "path", { d: `${line}L${last},${round(y(0))}L${first},${round(y(0))}Z`, fill: PALETTE[place], "fill-opacity": opacity });
        }
        if (run.length > 1) draw(svg, "path", { d: line, ...stroke, ...dashes });
      }
    }
    const known = points.filter((point) => point.y !== null);
    const step = Math.max(1, Math.floor(known.length / 8));
    const first = Math.floor((order * step) / series.names.length);
    known.forEach((point, n) => {
      const isShown = few || (series.names.length > 1 && n % step === first);
      drawDot(svg, point, x(point.x), y(point.y), place, series.names.length > 1 ? place : 0, isShown);
    });
  });
}

function drawDot(svg, point, x, y, place, shape, isShown) {
  const transform = `translate(${round(x)},${round(y)})`;
  const d = SHAPES[SHAPE_NAMES[shape]](3.4);
  if (point.late) draw(svg, "path", { d, transform, fill: CARD, stroke: PALETTE[place], "stroke-width": 1.6 });
  else if (isShown) draw(svg, "path", { d, transform, fill: PALETTE[place] });
  explain(draw(svg, "path", { d: SHAPES.circle(7), transform, fill: CARD, "fill-opacity": 0 }), point.text);
}

function drawStackedAreas(svg, series, x, y, places) {
  const xs = unique(series.points.map((point) => point.x)).sort((one, other) => one - other);
  const late = new Set(series.points.filter((point) => point.late).map((point) => point.x));
  const below = new Map(xs.map((at) => [at, 0]));
  for (const name of series.names) {
    const sizes = new Map(series.points.filter((point) => point.series === name).map((point) => [point.x, point.y || 0]));
    const points = xs.map((at) => ({ x: at, y: sizes.get(at) || 0, late: late.has(at), from: below.get(at) }));
    for (const [isLate, opacity] of [[false, 0.9], [true, 0.35]]) {
      for (const run of runsOf(points, isLate)) {
        const upper = run.map((point) => `${round(x(point.x))},${round(y(point.from + point.y))}`);
        const lower = run.map((point) => `${round(x(point.x))},${round(y(point.from))}`).reverse();
        const look = { fill: fillOf(places.get(name)), opacity, stroke: CARD, "stroke-width": 0.8 };
        draw(svg, "path", { d: `M${[...upper, ...lower].join("L")}Z`, ...look });
      }
    }
    for (const point of points) below.set(point.x, point.from + point.y);
  }
  for (const point of series.points) {
    if (series.points.length > 400 || point.y === null) continue;
    const rest = series.names.slice(0, series.names.indexOf(point.series) + 1);
    const sum = series.points.filter((other) => other.x === point.x && rest.includes(other.series)).reduce((all, other) => all + (other.y || 0), 0);
    explain(draw(svg, "circle", { cx: x(point.x), cy: y(sum), r: 6, fill: CARD, "fill-opacity": 0 }), point.text);
  }
}

function drawRightLine(svg, block, line, x, y, place) {
  const known = line.points.filter((point) => point.y !== null);
  if (block.axis === "category") {
    for (const point of known) {
      const look = { fill: PALETTE[place], stroke: CARD, transform: `translate(${round(x(point.x))},${round(y(point.y))})` };
      explain(draw(svg, "path", { d: SHAPES.diamond(5.2), ...look }), point.text);
    }
    return;
  }
  const stroke = { stroke: PALETTE[place], fill: "none", "stroke-width": 2, "stroke-linejoin": "round" };
  for (const run of runsOf(line.points, false)) if (run.length > 1) draw(svg, "path", { d: lineThrough(run, x, y), ...stroke });
  for (const run of runsOf(line.points, true)) draw(svg, "path", { d: lineThrough(run, x, y), ...stroke, "stroke-dasharray": "3,4", opacity: 0.75 });
  for (const point of known) drawDot(svg, point, x(point.x), y(point.y), place, 0, true);
}

// Two axes with as many steps above and below zero, so that one grid serves both.
function commonTicks(left, right) {
  const both = [left, right];
  const steps = both.map((values) => combinedStep(largestOf(values) || 1));
  const below = Math.max(...both.map((values, n) => Math.ceil(-Math.min(0, ...values) / steps[n] - 1e-9)));
  const above = Math.max(1, ...both.map((values, n) => Math.ceil(Math.max(0, ...values) / steps[n] - 1e-9)));
  return steps.map((step) => Array.from({ length: below + above + 1 }, (_, n) => tick(n - below, step)));
}

function combinedStep(largest) {
  const rough = largest / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].map((one) => one * power).find((step) => step >= rough * 0.999);
}

function drawLying(block, series, width, places) {
  const many = series.names.length > 1;
  const isStacked = many && block.type === "stacked_bar";
  const rows = unique(series.points.map((point) => point.x));
  const row = isStacked || !many ? 26 : 14 * series.names.length + 12;
  const { svg, finish } = makeCanvas(block, series, width);
  const entries = many || block.color ? series.names.map((name) => ({ text: name, place: places.get(name), symbol: "square" })) : [];
  const top = drawLegend(svg, entries, width) + 6;
  const names = rows.map((name) => shorten(name, Math.min(NAME_ROOM, width * 0.38)));
  const left = Math.max(...names.map((name) => textWidth(name))) + 12;
  const totals = rows.map((name) => series.points.filter((point) => point.x === name).reduce((sum, point) => sum + (point.y || 0), 0));
  const told = isStacked ? totals.map(series.writer.write) : series.points.map((point) => series.writer.write(point.y));
  const right = width - Math.max(...told.map((text) => textWidth(text))) - 14;
  const numbers = heights(series, isStacked);
  const low = Math.min(0, ...numbers);
  const high = Math.max(low < 0 ? 0 : 1e-12, ...numbers);
  const x = scaleOf(low, high, left, right);
  rows.forEach((name, n) => {
    const y = top + n * row;
    explain(write(svg, names[n], left - 8, y + row / 2 + 4, { anchor: "end" }), names[n] === name ? "" : name);
    const found = series.points.filter((point) => point.x === name);
    const thick = isStacked || !many ? 16 : 14;
    const ends = [0, 0];
    found.forEach((point) => {
      const order = isStacked || !many ? 0 : series.names.indexOf(point.series);
      const at = isStacked || !many ? y + (row - thick) / 2 : y + 6 + order * thick;
      const side = point.y < 0 ? 0 : 1;
      const from = isStacked ? ends[side] : 0;
      ends[side] = from + (point.y || 0);
      if (point.y !== null) drawLyingBar(svg, point, places.get(point.series) || 0, { top: at, thick, from: x(from), to: x(from + point.y) }, isStacked);
      if (!isStacked) write(svg, series.writer.write(point.y), x(Math.max(point.y || 0, 0)) + 6, at + thick / 2 + 4, { anchor: "start" });
    });
    if (isStacked) write(svg, series.writer.write(totals[n]), x(ends[1]) + 6, y + row / 2 + 4, { anchor: "start" });
  });
  return finish(top + rows.length * row + 4);
}

function drawLyingBar(svg, point, place, { top, thick, from, to }, isStacked) {
  const radius = isStacked ? 0 : Math.min(3, Math.abs(to - from));
  const way = to < from ? -1 : 1;
  const d = `M${round(from)},${round(top)}H${round(to - radius * way)}q${radius * way},0,${radius * way},${radius}V${round(top + thick - radius)}q0,${radius},${-radius * way},${radius}H${round(from)}Z`;
  explain(draw(svg, "path", { d, fill: fillOf(place), ...(isStacked ? { stroke: CARD, "stroke-width": 0.8 } : {}) }), point.text);
}
