// Points between two axes of numbers with their names where there is room, and the parts of a whole as a ring.

function drawScatter(block, series, width, places) {
  const { svg, finish, height } = makeCanvas(block, series, width);
  const entries = series.names.length > 1 ? series.names.map((name) => ({ text: name, place: places.get(name) })) : [];
  const top = drawLegend(svg, entries, width) + 26;
  const [xs, ys] = [series.points.map((point) => point.x), series.points.map((point) => point.y)];
  const [xTicks, yTicks] = [niceTicks(xs, { zero: false }), niceTicks(ys, { zero: false })];
  const xWords = makeAxisWriter(series.xWriter, largestOf(xs));
  const yWords = makeAxisWriter(series.writer, largestOf(ys));
  const box = { left: widest(yTicks, yWords) + 12, right: width - 18, top, bottom: top + height, width };
  const x = scaleOf(xTicks[0], xTicks[xTicks.length - 1], box.left + 12, box.right - 12);
  const y = scaleOf(yTicks[0], yTicks[yTicks.length - 1], box.bottom - 12, box.top + 12);
  drawNumbers(svg, box, yTicks, y, yWords);
  for (const value of xTicks) draw(svg, "path", { d: `M${round(x(value))},${round(box.top)}V${round(box.bottom)}`, stroke: LINE });
  let end = -Infinity;
  for (const value of xTicks) {
    const [text, half] = [xWords(value), textWidth(xWords(value)) / 2];
    if (x(value) - half < end + 6) continue;
    write(svg, text, x(value), box.bottom + 16);
    end = x(value) + half;
  }
  write(svg, block.labels[block.y[0]], 4, top - 10, { size: 12, color: INK, anchor: "start" });
  write(svg, block.labels[block.x], box.right, box.bottom + 36, { size: 12, color: INK, anchor: "end" });
  const largest = Math.max(0, ...series.points.map((point) => point.size || 0));
  const spots = [...series.points]
    .sort((one, other) => (other.size || 0) - (one.size || 0))
    .map((point) => {
      const area = block.size ? 40 + (560 * Math.max(0, point.size || 0)) / (largest || 1) : 80;
      return { x: x(point.x), y: y(point.y), radius: Math.sqrt(area / Math.PI), name: point.name, point };
    });
  for (const spot of spots) {
    const place = places.get(spot.point.series) || 0;
    const look = { fill: PALETTE[place], "fill-opacity": 0.8, stroke: CARD, "stroke-width": 0.6 };
    const d = SHAPES[SHAPE_NAMES[series.names.length > 1 ? place : 0]](spot.radius);
    explain(draw(svg, "path", { d, transform: `translate(${round(spot.x)},${round(spot.y)})`, ...look }), spot.point.text);
  }
  for (const name of placeNames(spots, box.left, width, box.bottom)) write(svg, name.text, name.x, name.y, { anchor: name.anchor });
  return finish(box.bottom + 44);
}

// Names beside their points, those of the first points first; one that would cover another is left out.
function placeNames(spots, left, width, height) {
  const taken = spots.map(({ x, y, radius }) => [x - radius, y - radius, x + radius, y + radius]);
  const found = [];
  for (const spot of spots.slice(0, 40)) {
    if (!spot.name) continue;
    const text = shorten(spot.name, 160);
    const room = textWidth(text);
    const beside = spot.radius + 4;
    const ways = [
      [spot.x + beside, spot.y + 4, "start", 0],
      [spot.x - beside, spot.y + 4, "end", room],
      [spot.x, spot.y - beside, "middle", room / 2],
      [spot.x, spot.y + beside + 8, "middle", room / 2],
    ];
    for (const [x, y, anchor, shift] of ways) {
      const name = [x - shift, y - 11, x - shift + room, y + 3];
      const fits = name[0] >= left && name[2] <= width && name[1] >= 0 && name[3] <= height;
      if (fits && !taken.some((other) => name[0] < other[2] && other[0] < name[2] && name[1] < other[3] && other[1] < name[3])) {
        taken.push(name);
        found.push({ x, y, anchor, text });
        break;
      }
    }
  }
  return found;
}

function drawDonut(block, series, width, places) {
  const { svg, finish } = makeCanvas(block, series, width);
  const [radius, hole, ring] = [88, 55, 252];
  const entries = series.points.map((point) => `${shorten(point.series, 170, 12)}   ${point.words}`);
  const listWidth = 26 + Math.max(...entries.map((entry) => textWidth(entry, 12)));
  const isBeside = ring + 24 + listWidth <= width;
  const left = Math.max(0, (width - (isBeside ? ring + 24 + listWidth : ring)) / 2);
  const [x, y] = [left + ring / 2, ring / 2];
  let angle = 0;
  for (const point of series.points) {
    const share = point.y / series.total;
    const d = arc(x, y, radius, hole, angle, angle + share);
    explain(draw(svg, "path", { d, fill: fillOf(places.get(point.series)), stroke: CARD, "stroke-width": 1.5, "fill-rule": "evenodd" }), point.text);
    if (share >= 0.03) {
      const turn = (angle + share / 2) * 2 * Math.PI;
      write(svg, point.share, x + Math.sin(turn) * (radius + 18), y - Math.cos(turn) * (radius + 18) + 4);
    }
    angle += share;
  }
  const sum = series.writer.write(series.total);
  const size = Math.min(17, Math.floor((17 * 2 * (hole - 6)) / textWidth(sum, 17, "bold")));
  write(svg, sum, x, y + 6, { size, color: INK, weight: "bold" });
  const [listLeft, listTop] = isBeside ? [left + ring + 24, Math.max(0, (ring - 20 * entries.length) / 2)] : [Math.max(0, (width - listWidth) / 2), ring + 8];
  entries.forEach((entry, n) => {
    const middle = listTop + 10 + n * 20;
    draw(svg, "rect", { x: listLeft, y: middle - 5, width: 10, height: 10, fill: fillOf(places.get(series.points[n].series)) });
    const text = write(svg, entry, listLeft + 18, middle + 4, { size: 12, color: INK, anchor: "start" });
    text.style.whiteSpace = "pre";
  });
  return finish(isBeside ? ring : ring + 16 + 20 * entries.length);
}

function arc(x, y, outer, inner, from, to) {
  if (to - from > 0.9999) {
    const circle = (r) => `M${round(x)},${round(y - r)}A${r},${r},0,1,1,${round(x - 0.1)},${round(y - r)}Z`;
    return circle(outer) + circle(inner);
  }
  const at = (r, share) => `${round(x + Math.sin(share * 2 * Math.PI) * r)},${round(y - Math.cos(share * 2 * Math.PI) * r)}`;
  const far = to - from > 0.5 ? 1 : 0;
  return `M${at(outer, from)}A${outer},${outer},0,${far},1,${at(outer, to)}L${at(inner, to)}A${inner},${inner},0,${far},0,${at(inner, from)}Z`;
}
