// Each block as the reader has chosen it, beside what stands there without a script: that stays for paper.

const twins = new Map();

function twin(element, deep = false) {
  if (!twins.has(element)) {
    const copy = element.cloneNode(deep);
    copy.classList.add("live");
    element.classList.add("still");
    element.after(copy);
    twins.set(element, copy);
  }
  return twins.get(element);
}

function make(tag, classes, text) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  if (text !== undefined) element.textContent = text;
  return element;
}

function showBlock(block, chosen) {
  const section = document.getElementById(block.name);
  if (block.kind === "figures") showFigures(section, block, chosen);
  else if (block.kind === "chart") showChart(section, block, chosen);
  else showTable(section, block, chosen);
}

function figureOf(figure, chosen) {
  if (figure.value) return { value: toMs(figure.value)[0], kind: figure.value.kind };
  const cube = page.cubes[figure.cube];
  const [group] = pick(cube, chosen);
  return { value: measure(cube, figure.measures[0], group.values), kind: (cube.v[figure.measures[0][0]] || {}).kind || "number" };
}

function showFigures(section, block, chosen) {
  const tiles = section.querySelectorAll(".tile");
  block.figures.forEach((figure, n) => {
    const { value, kind } = figureOf(figure, chosen);
    const shown = twin(tiles[n].querySelector(".value"));
    shown.textContent = makeWriter([value], kind, figure.format).write(value);
    shown.classList.toggle("null", value === null);
    showChange(tiles[n], figure, chosen);
    if (figure.detail) {
      const detail = toMs(figure.detail)[0];
      twin(tiles[n].querySelector(".detail")).textContent = makeWriter([detail], figure.detail.kind, figure.detailFormat).write(detail);
    }
  });
}

// How a figure differs from the time before the chosen one; with all time chosen, the last whole period from the one
// before it. In the words of changes.py.
function showChange(tile, figure, chosen) {
  const still = tile.querySelector(".change:not(.live)");
  if (!still) return;
  const time = timeOf();
  const shown = twin(still);
  shown.hidden = !figure.change && isFiltered(chosen);
  if (!figure.change) return shown.replaceChildren(...[...still.cloneNode(true).childNodes]);
  const isAll = !time || time.range === undefined;
  const ranges = isAll ? figure.change.ranges : [time.range, time.before];
  const names = isAll ? ranges.map((range) => namePeriod(page.ranges[range][0] * DAY_MS, figure.change.period)) : namesOf(time);
  let [now, before] = ranges.map((range) => figureOf(figure, { ...chosen, range }).value);
  const sums = figure.measures[0].length < 2 && page.cubes[figure.cube].parts[figure.measures[0][0]] === "sum";
  if (sums && (now === null) !== (before === null)) [now, before] = [now || 0, before || 0];
  if (page.ranges[ranges[1]][0] < page.firstDay) before = null;
  const writer = makeWriter([now, before], "number", figure.format);
  const change = describeChange(now, before, writer);
  shown.className = `change live ${change.direction}`;
  shown.replaceChildren();
  if (change.arrow) {
    const arrow = make("span", "arrow", change.arrow);
    arrow.setAttribute("aria-hidden", "true");
    shown.append(arrow, " ");
  }
  const than = names[1].replace("The ", "the ");
  const detail = `${names[0]}: ${writer.write(now)}, after ${writer.write(before)} in ${than}`;
  shown.append(make("span", "by", change.words), make("span", "than", before === null ? names[0] : detail));
}

function namesOf(time) {
  if (time.kind === "days") return [nameTime(time), `the ${time.key.split("_")[1]} days before`];
  const [start] = page.ranges[time.before];
  const name = namePeriod(start * DAY_MS, time.kind);
  return [nameTime(time), time.late ? `as many days of ${name}` : name];
}

function describeChange(now, before, writer) {
  if (now === null || before === null) return { direction: "none", words: "Nothing to compare with" };
  const difference = now - before;
  if (difference === 0) return { direction: "same", arrow: "=", words: "Unchanged" };
  const isUp = difference > 0;
  const amount = describeAmount(Math.abs(difference), before, writer);
  return { direction: isUp ? "up" : "down", arrow: isUp ? "▲" : "▼", words: `${isUp ? "Up" : "Down"} ${amount}` };
}

function describeAmount(difference, before, writer) {
  const digits = (places) => ({ minimumFractionDigits: places, maximumFractionDigits: places });
  if (writer.format === "percent") {
    const least = 10 ** -writer.decimals;
    const points = (value) => writeNumber(value, digits(writer.decimals));
    return `${difference * 100 >= least / 2 ? points(difference * 100) : `less than ${points(least)}`} points`;
  }
  if (before <= 0) return `by ${writer.write(difference)}`;
  const share = difference / before;
  const percent = { style: "percent", ...digits(1) };
  return share >= 0.0005 ? writeNumber(share, percent) : `less than ${writeNumber(0.001, percent)}`;
}

function isFiltered(chosen) {
  return chosen.range !== null || chosen.choices.some((choice) => choice !== null);
}

function showChart(section, block, chosen) {
  const table = answer(block, chosen);
  const series = makeSeries(block, table, chosen);
  const drawings = [...section.querySelectorAll(".drawing:not(.live)")];
  const place = twin(drawings[0]);
  drawings.forEach((drawing) => drawing.classList.add("still"));
  place.className = "drawing live";
  block.redraw = () => {
    const width = Math.floor(place.getBoundingClientRect().width);
    if (width < 100) return;
    block.width = width;
    place.replaceChildren(isEmpty(series) ? make("p", "empty", "No data for this choice.") : drawChart(block, series, width));
  };
  block.place = place;
  block.redraw();
  showNote(section, isEmpty(series) ? "" : series.told);
  showNumbers(section.querySelector("details"), block, table);
}

function showNote(section, text) {
  const note = section.querySelector("figcaption.note, :scope > .note");
  if (note) note.classList.add("still");
  let shown = section.querySelector(".note.live");
  if (!shown) {
    shown = make("p", "note live");
    const before = section.querySelector("details");
    if (before) before.before(shown);
    else section.append(shown);
  }
  shown.textContent = text;
  shown.hidden = !text;
}

// The chart's numbers as a table, for whoever does not see the drawing.
function showNumbers(details, block, table) {
  if (!details) return;
  const formats = new Map([[block.line, block.line_format], ...(block.type === "scatter" ? [[block.x, block.x_format]] : []), ...block.y.map((name) => [name, block.format])]);
  const shown = table.names.map((name) => ({ format: formats.get(name), period: name === block.x && block.axis === "time" ? block.period : null }));
  fillRows(details.querySelector("tbody"), table, shown, 200);
  const note = details.querySelector(".note");
  if (note) note.hidden = table.rows.length <= 200;
}

function fillRows(body, table, shown, limit) {
  const rows = table.rows.slice(0, limit);
  const columns = table.names.map((_, place) => {
    const values = rows.map((row) => row[place]);
    const writer = makeWriter(values, table.kinds[place], shown[place].format);
    const numbers = shown[place].bar ? values.filter((value) => typeof value === "number").map(Math.abs) : [];
    return { writer, largest: Math.max(0, ...numbers) };
  });
  body.replaceChildren(
    ...rows.map((row) => {
      const line = make("tr");
      line.append(
        ...row.map((value, place) => {
          const { writer, largest } = columns[place];
          const { period } = shown[place];
          const isLate = period && value !== null && typeof value === "number" && isUnfinished(value, period);
          const text = writeInPeriod(value, period, writer) + (isLate ? " (not over yet)" : "");
          const cell = make("td", writer.isNumeric ? "number" : "words", text);
          if (value === null) cell.classList.add("null");
          if (largest && value > 0) {
            cell.classList.add("bar");
            cell.style.setProperty("--share", (value / largest).toFixed(3));
          }
          return cell;
        }),
      );
      return line;
    }),
  );
}

function showTable(section, block, chosen) {
  const table = answer(block, chosen);
  const shown = twin(section.querySelector(".scroll"), true);
  fillRows(shown.querySelector("tbody"), table, block.shown, block.limit);
  shown.hidden = !table.rows.length;
  const more = table.rows.length > block.limit ? `The first ${writeCount(block.limit)} of ${writeCount(table.rows.length)} rows.` : "";
  if (block.rows) return;
  showNote(section, table.rows.length ? more : "No data for this choice.");
}
