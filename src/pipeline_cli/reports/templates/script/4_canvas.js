// What the drawings of all kinds share: elements, scales, axes, the legend. Colours are the light theme's words; the
// style sheet turns them into the dark theme's, as it does with the drawings that stand in the page already.

const SVG = "http://www.w3.org/2000/svg";
const { palette: PALETTE, ink: INK, quiet: QUIET, line: LINE, card: CARD } = LOOKS;
const HEIGHT = 260;
const PHONE_HEIGHT = 220;
const PHONE = 400;
const WIDEST_BAND = 110;
const SHAPES = {
  circle: (r) => `M${-r},0A${r},${r},0,1,1,${r},0A${r},${r},0,1,1,${-r},0`,
  square: (r) => polygon([-r, -r, r, -r, r, r, -r, r]),
  "triangle-up": (r) => polygon([0, -r, r, r * 0.73, -r, r * 0.73]),
  diamond: (r) => polygon([0, -r * 1.2, r * 1.2, 0, 0, r * 1.2, -r * 1.2, 0]),
  cross: (r) => `M${-r},${-r * 0.4}h${r * 0.6}v${-r * 0.6}h${r * 0.8}v${r * 0.6}h${r * 0.6}v${r * 0.8}h${-r * 0.6}v${r * 0.6}h${-r * 0.8}v${-r * 0.6}h${-r * 0.6}Z`,
  "triangle-down": (r) => polygon([0, r, r, -r * 0.73, -r, -r * 0.73]),
  "triangle-right": (r) => polygon([r, 0, -r * 0.73, r, -r * 0.73, -r]),
  "triangle-left": (r) => polygon([-r, 0, r * 0.73, r, r * 0.73, -r]),
};
const SHAPE_NAMES = Object.keys(SHAPES);

function polygon(numbers) {
  const pairs = [];
  for (let n = 0; n < numbers.length; n += 2) pairs.push(`${round(numbers[n])},${round(numbers[n + 1])}`);
  return `M${pairs.join("L")}Z`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

function draw(parent, tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, typeof value === "number" ? round(value) : value);
  }
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function explain(element, text) {
  if (text) draw(element, "title", {}, text);
}

const measuring = document.createElement("canvas").getContext("2d");

function textWidth(text, size = 11, weight = "") {
  measuring.font = `${weight} ${size}px Arial, "Liberation Sans", Helvetica, sans-serif`;
  return measuring.measureText(text).width;
}

function shorten(text, room, size = 11) {
  if (textWidth(text, size) <= room) return text;
  let short = text;
  while (short && textWidth(`${short}…`, size) > room) short = short.slice(0, -1);
  return `${short.trimEnd()}…`;
}

function write(parent, text, x, y, options = {}) {
  const { size = 11, color = QUIET, anchor = "middle", weight, transform } = options;
  return draw(parent, "text", { x, y, fill: color, "font-size": `${size}px`, "text-anchor": anchor, "font-weight": weight, transform }, text);
}

function fillOf(place) {
  return place ? `url(#series-${place})` : PALETTE[0];
}

// Ticks of a scale of numbers: round ones, from the smallest to the largest.
function niceTicks(values, { zero = true, count = 5 } = {}) {
  const known = values.filter((value) => value !== null);
  let low = Math.min(...known, zero ? 0 : Infinity);
  let high = Math.max(...known, zero ? 0 : -Infinity);
  if (!isFinite(low) || !isFinite(high)) [low, high] = [0, 1];
  if (low === high) [low, high] = zero || low === 0 ? [Math.min(low, 0), Math.max(high, low === 0 ? 1 : 0)] : [low - Math.abs(low) / 10, high + Math.abs(high) / 10];
  const step = niceStep((high - low) / count);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, n) => tick(first + n, step));
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  return [1, 2, 5, 10].map((one) => one * power).find((step) => step >= rough * 0.999) || 10 * power;
}

function tick(place, step) {
  return Number((place * step).toPrecision(12)) || 0;
}

function scaleOf(from, to, start, end) {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

// A row of bands, with room between them.
function bandsOf(places, start, end) {
  const inner = places.length < 60 ? 0.25 : 0.1;
  const step = (end - start) / Math.max(1, places.length);
  const width = Math.min(step * (1 - inner), WIDEST_BAND);
  const starts = new Map(places.map((place, n) => [place, start + n * step + (step - width) / 2]));
  return { width, step, at: (place) => starts.get(place), middle: (place) => starts.get(place) + width / 2 };
}

// The legend above a drawing; returns the pixels that it takes. entries: {text, place, symbol}.
function drawLegend(svg, entries, width, left = 4) {
  if (!entries.length) return 0;
  let [x, y] = [left, 12];
  for (const { text, place, symbol } of entries) {
    const short = shorten(text, Math.min(180, width - left - 30), 12);
    const room = textWidth(short, 12) + 34;
    if (x > left && x + room - 14 > width) [x, y] = [left, y + 20];
    drawSymbol(svg, x + 6, y - 4, place, symbol);
    explain(write(svg, short, x + 17, y, { size: 12, color: INK, anchor: "start" }), short === text ? "" : text);
    x += room;
  }
  return y + 12;
}

function drawSymbol(svg, x, y, place, symbol) {
  if (symbol === "square") draw(svg, "rect", { x: x - 5, y: y - 5, width: 10, height: 10, fill: fillOf(place) });
  else if (symbol === "stroke") draw(svg, "path", { d: `M${x - 6},${y}H${x + 6}`, stroke: PALETTE[place], "stroke-width": 2 });
  else draw(svg, "path", { d: SHAPES[symbol || SHAPE_NAMES[place]](4.5), transform: `translate(${round(x)},${round(y)})`, fill: PALETTE[place] });
}

// Gridlines with their numbers on the left; on the right without lines.
function drawNumbers(svg, box, ticks, scale, words, { right = false } = {}) {
  for (const value of ticks) {
    const y = round(scale(value));
    if (!right) draw(svg, "path", { d: `M${round(box.left)},${y}H${round(box.right)}`, stroke: LINE });
    write(svg, words(value), right ? box.right + 8 : box.left - 8, y + 4, { anchor: right ? "start" : "end" });
  }
}

function widest(ticks, words, size = 11) {
  return Math.max(0, ...ticks.map((value) => textWidth(words(value), size)));
}

// The axis below: a line, and as many labels as have room. labels: [place in pixels, text].
function drawBelow(svg, box, labels, limit = Infinity) {
  draw(svg, "path", { d: `M${round(box.left)},${round(box.bottom)}H${round(box.right)}`, stroke: LINE });
  let end = -Infinity;
  for (const [x, text] of labels) {
    const short = shorten(text, limit);
    const half = textWidth(short) / 2;
    const middle = Math.max(half + 1, Math.min(x, box.width - half - 1));
    if (middle - half < end + 6) continue;
    draw(svg, "path", { d: `M${round(x)},${round(box.bottom)}v5`, stroke: LINE });
    explain(write(svg, short, middle, box.bottom + 18), short === text ? "" : text);
    end = middle + half;
  }
}

// The beginnings of all periods from the first to the last; the given ones where they are no beginnings.
function periodsBetween(xs, period) {
  const found = [xs[0]];
  const last = xs[xs.length - 1];
  while (found[found.length - 1] < last && found.length < 5000) found.push(endOf(found[found.length - 1], period));
  const known = new Set(found);
  return xs.every((x) => known.has(x)) ? found : xs;
}

// Moments that get a label: every so many periods, or the firsts of months where days are many.
function labelled(periods, period, room) {
  if (periods.length > 120 && ["hour", "day", "week"].includes(period)) {
    const [first, last] = [new Date(periods[0]), periods[periods.length - 1]];
    const months = [];
    for (let n = first.getUTCDate() === 1 ? 0 : 1; ; n++) {
      const moment = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + n, 1);
      if (moment > last) break;
      months.push(moment);
    }
    const step = [1, 2, 3, 6, 12].find((size) => months.length / size <= room) || Math.ceil(months.length / room);
    if (months.length > 1) return { moments: months.filter((_, n) => n % step === 0), format: "month" };
  }
  const step = Math.ceil(periods.length / Math.max(2, room));
  return { moments: periods.filter((_, n) => n % step === 0), format: period };
}

function makeCanvas(block, series, width, height) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${block.title}. ${describeChart(block, series)} The table that follows has the numbers.`);
  const finish = (bottom) => {
    svg.setAttribute("viewBox", `0 0 ${round(width)} ${round(bottom)}`);
    return svg;
  };
  return { svg, finish, height: height || (width < PHONE ? PHONE_HEIGHT : HEIGHT) };
}
