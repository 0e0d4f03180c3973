// A drawing in words, for whoever hears it, as charts/words.py has them.

const CHART_KINDS = LOOKS.kinds;

function describeChart(block, series) {
  return `${CHART_KINDS[block.type]} ${describeSeries(block, series)}.`;
}

function describeSeries(block, series) {
  const texts = series.points.map((point) => point.text);
  if (block.type === "donut") return `of ${countOf(texts.length, "part")}: ${texts.join("; ")}`;
  const named = series.names.length > 1 ? `, in ${series.names.length} series: ${series.names.join(", ")}` : "";
  if (block.type === "scatter") {
    const xs = series.points.map((point) => point.x);
    const ends = `${series.xWriter.write(Math.min(...xs))} and ${series.xWriter.write(Math.max(...xs))}`;
    return `of ${countOf(texts.length, "point")}: ${block.labels[block.y[0]]} ${between(series.points, series.writer)}, ${inSentence(block.labels[block.x])} between ${ends}${named}`;
  }
  const extent = extentOf(block, series);
  if (series.line) {
    const bars = series.names.map((name) => `${inSentence(name)} ${between(series.points.filter((point) => point.series === name), series.writer)}`);
    return `${extent}: ${bars.join(", ")}, and ${inSentence(block.labels[block.line])} ${between(series.line.points, series.line.writer)}`;
  }
  if (block.axis === "category" && series.names.length < 2) return `${extent}: ${listLargest(series.points)}`;
  return `${extent}: ${between(series.points, series.writer)}${named}`;
}

function extentOf(block, series) {
  const xs = unique(series.points.map((point) => point.x));
  if (block.axis !== "time" || !block.period) return `of ${countOf(xs.length, block.axis === "number" ? "value" : "bar")}`;
  const [first, last] = [xs[0], xs[xs.length - 1]].map((x) => namePeriod(x, block.period));
  return `of ${countOf(xs.length, block.period)}, ${xs.length === 1 ? first : `${first} to ${last.replace(/^The /, "the ")}`}`;
}

function between(points, writer) {
  const known = points.map((point) => point.y).filter((y) => y !== null);
  if (!known.length) return "without a value";
  const [low, high] = [writer.write(Math.min(...known)), writer.write(Math.max(...known))];
  return low === high ? low : `between ${low} and ${high}`;
}

function listLargest(points) {
  const largest = points.filter((point) => point.y !== null).sort((one, other) => other.y - one.y).slice(0, 3);
  const more = points.length - largest.length;
  return largest.map((point) => point.text).join("; ") + (more ? `; and ${more} more` : "");
}

function countOf(count, thing) {
  return `${writeCount(count)} ${thing}${count === 1 ? "" : "s"}`;
}
