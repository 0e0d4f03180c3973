// Numbers picked from the cells that the database made: never more than additions of what stands in the page.

// A column of whole numbers: first the lowest bytes of all, then the next ones; 0 is NULL.
function unpack(column, size) {
  if (column.at === undefined) return column.values;
  const found = new Array(size);
  for (let n = 0; n < size; n++) {
    let value = 0;
    for (let plane = column.planes - 1; plane >= 0; plane--) value = value * 256 + page.planes[column.at + plane * size + n];
    found[n] = value ? value - 1 + column.low : null;
  }
  return found;
}

function unpackCube(cube) {
  for (const name of ["f", "k", "v"]) cube[name].forEach((column) => (column.values = column.same === undefined ? unpack(column, cube.size) : cube[name][column.same].values));
  cube.v.forEach((column) => (column.kind = column.kind || "number"));
  if (cube.p) cube.p.values = unpack(cube.p, cube.size);
  for (const counts of cube.counts) {
    for (const column of [...counts.f, ...counts.k, counts.n]) column.values = unpack(column, counts.size);
    const [rows, ranges, numbers] = counts.r.map((column) => unpack(column, counts.pairs));
    counts.byRange = new Map(rows.map((row, n) => [`${row} ${ranges[n]}`, numbers[n]]));
  }
}

function endOf(ms, period) {
  if (period === "hour") return ms + 3600000;
  if (period === "day") return ms + DAY_MS;
  if (period === "week") return ms + 7 * DAY_MS;
  const day = new Date(ms);
  const month = day.getUTCMonth() + { month: 1, quarter: 3, year: 12 }[period];
  return Date.UTC(day.getUTCFullYear(), month, Math.min(day.getUTCDate(), 28)) + (((ms % DAY_MS) + DAY_MS) % DAY_MS);
}

// Whether the period that begins then has data still to come, as periods.py has it.
function isUnfinished(ms, period) {
  const end = endOf(ms, period);
  if (page.madeAt < end) return true;
  if (!page.asOf) return false;
  if (period === "hour") return page.asOf.end < end;
  return Math.floor(page.asOf.at / DAY_MS) < Math.floor((end - 1) / DAY_MS);
}

function toMs(column) {
  const factor = column.kind === "date" ? DAY_MS : 1;
  return column.values.map((value) => (value === null || factor === 1 ? value : value * factor));
}

function merge(part, one, other) {
  if (one === null || other === null) return one === null ? other : one;
  if (part === "min" || part === "max") return (other < one) === (part === "min") ? other : one;
  return one + other;
}

// The parts' values by the groups' keys, for the rows that are chosen. chosen: the time's range (or null), and for
// each filter the place of its value (or null).
function pick(cube, chosen) {
  const nothing = () => cube.parts.map((part) => (part === "sum" || part === "min" || part === "max" ? null : 0));
  const found = new Map();
  const nameOfGroup = (keys, n) => keys.map((column) => column.values[n]).join();
  const group = (keys, n) => {
    const name = nameOfGroup(keys, n);
    if (!found.has(name)) found.set(name, { keys: keys.map((column) => column.values[n]), values: nothing() });
    return found.get(name);
  };
  if (!cube.dimensions.length) found.set("", { keys: [], values: nothing() });
  const range = cube.period === null || chosen.range === null ? null : page.ranges[chosen.range];
  const [first, end] = range ? range.map((day) => cube.bounds.filter((bound) => bound <= day).length) : [0, 0];
  const wanted = cube.filters.map((filter) => chosen.choices[filter]);
  for (let n = 0; n < cube.size; n++) {
    if (range && !(cube.p.values[n] >= first && cube.p.values[n] < end)) continue;
    if (wanted.some((value, place) => value !== null && cube.f[place].values[n] !== value)) continue;
    const { values } = group(cube.k, n);
    for (let part = 0; part < cube.v.length; part++) {
      values[part] = merge(cube.parts[part], values[part], cube.v[part].values[n]);
    }
  }
  cube.counts.forEach((counts, place) => {
    for (let n = 0; n < counts.size; n++) {
      if (wanted.some((value, at) => counts.f[at].values[n] !== (value === null ? -1 : value))) continue;
      const name = nameOfGroup(counts.k, n);
      const number = range ? counts.byRange.get(`${n} ${chosen.range}`) || 0 : counts.n.values[n];
      if (found.has(name)) found.get(name).values[cube.v.length + place] = number;
    }
  });
  return [...found.values()];
}

function measure(cube, places, values) {
  const [of, to] = places.map((place) => {
    const column = cube.v[place];
    const value = values[place];
    if (typeof value !== "number" || !column) return value;
    return column.kind === "date" ? value * DAY_MS : value / 10 ** (column.places || 0);
  });
  if (places.length < 2) return of;
  return of === null || !to || !isFinite(of / to) ? null : of / to;
}

// A block's rows: from its cube, or as they stand in the page. Moments are milliseconds.
function answer(block, chosen) {
  if (block.rows) {
    const columns = block.rows.map(toMs);
    return {
      names: block.columns,
      kinds: block.rows.map((column) => column.kind),
      rows: (columns[0] || []).map((_, n) => columns.map((column) => column[n])),
    };
  }
  const cube = page.cubes[block.cube];
  const keys = cube.dimensions.map(toMs);
  const kinds = block.measures.map(([place]) => (cube.v[place] || {}).kind || "number");
  const table = {
    names: block.columns,
    kinds: [...cube.dimensions.map((one) => one.kind), ...kinds],
    rows: pick(cube, chosen).map((group) => [
      ...group.keys.map((key, n) => keys[n][key]),
      ...block.measures.map((places) => measure(cube, places, group.values)),
    ]),
  };
  if (block.kind === "chart") fillGaps(block, table, cube, chosen);
  return inOrder(block, table, cube.dimensions);
}

// A row for each period of the chosen time and every series: where nothing happened there are no orders and no revenue,
// and a line must not go straight over it. A ratio of nothing is none.
function fillGaps(block, table, cube, chosen) {
  const [x] = cube.dimensions;
  if (!x || !x.cut || !table.rows.length) return;
  const known = toMs(x).filter((value) => value !== null);
  if (!known.length) return;
  const range = x.day && chosen.range !== null ? page.ranges[chosen.range].map((day) => day * DAY_MS) : [-Infinity, Infinity];
  const every = periodsBetween([...known].sort((one, other) => one - other), x.cut).filter((at) => endOf(at, x.cut) > range[0] && at < range[1]);
  const depth = cube.dimensions.length;
  const nothing = block.measures.map((places) => (places.length < 2 && ["rows", "count", "distinct", "sum"].includes(cube.parts[places[0]]) ? 0 : null));
  const nameOfRow = (keys) => JSON.stringify(keys);
  const have = new Set(table.rows.map((row) => nameOfRow(row.slice(0, depth))));
  const series = new Map(table.rows.map((row) => [nameOfRow(row.slice(1, depth)), row.slice(1, depth)]));
  for (const names of series.values()) {
    for (const at of every) if (!have.has(nameOfRow([at, ...names]))) table.rows.push([at, ...names, ...nothing]);
  }
}

// As ordering.py: along time or numbers, or the largest first.
function inOrder(block, table, dimensions) {
  const depth = dimensions.length;
  const rows = table.rows.sort((one, other) => {
    for (let n = 0; n < depth; n++) {
      const order = compare(one[n], other[n]);
      if (order) return order;
    }
    return 0;
  });
  if (block.kind === "table") {
    const dated = dimensions.findIndex((one) => one.cut);
    const place = block.sort ? block.columns.indexOf(block.sort) : dated >= 0 ? dated : depth;
    rows.sort((one, other) => (place < depth ? compare(one[place], other[place]) : compareSizes(one[place], other[place])));
    return { ...table, rows, count: rows.length };
  }
  if (!depth) return { ...table, rows };
  const sizes = new Map();
  const place = block.columns.indexOf(block.y[0]);
  for (const row of rows) sizes.set(row[0], (sizes.get(row[0]) || 0) + (row[place] || 0));
  const names = [...sizes.keys()];
  if (block.sort === "value" && dimensions[0].kind === "text") names.sort((one, other) => sizes.get(other) - sizes.get(one));
  const limit = (block.type !== "donut" && block.limit) || names.length; // a donut's limit makes the rest one part
  const kept = new Map(names.slice(0, limit).map((name, n) => [name, n]));
  return { ...table, rows: rows.filter((row) => kept.has(row[0])).sort((one, other) => kept.get(one[0]) - kept.get(other[0])) };
}

function compare(one, other) {
  if (one === null || other === null) return (one === null) - (other === null);
  return one < other ? -1 : one > other ? 1 : 0;
}

function compareSizes(one, other) {
  return compare(one === null ? null : -one, other === null ? null : -other);
}

function column(table, name) {
  const place = table.names.indexOf(name);
  return table.rows.map((row) => row[place]);
}

function kindOf(table, name) {
  return table.kinds[table.names.indexOf(name)];
}
