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
    if (figure.detail) {
      const detail = toMs(figure.detail)[0];
      twin(tiles[n].querySelector(".detail")).textContent = makeWriter([detail], figure.detail.kind, figure.detailFormat).write(detail);
    }
  });
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
  const late = new Set(block.late);
  const marks = table.rows.map((row) => (late.has(row[0]) ? " (not over yet)" : ""));
  const shown = table.names.map((name) => ({ format: formats.get(name), marks: name === block.x ? marks : null }));
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
    ...rows.map((row, n) => {
      const line = make("tr");
      line.append(
        ...row.map((value, place) => {
          const { writer, largest } = columns[place];
          const cell = make("td", writer.isNumeric ? "number" : "words", writer.write(value) + ((shown[place].marks || [])[n] || ""));
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
