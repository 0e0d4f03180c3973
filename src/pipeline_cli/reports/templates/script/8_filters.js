// What the reader chooses: kept in the address behind the #, told to screen readers.

const form = document.querySelector("form.filters");
const chosenText = form.querySelector(".chosen");

const KINDS = { days: "Days", month: "Months", quarter: "Quarters", year: "Years" };

function nameTime(time) {
  if (time.kind === "all") return "All time";
  if (time.kind === "days") return `Last ${time.key.split("_")[1]} days`;
  const name = time.kind === "month" ? writeMoment(Date.UTC(time.key.slice(0, 4), time.key.slice(5) - 1), "month") : time.kind === "quarter" ? `${time.key.slice(5)} ${time.key.slice(0, 4)}` : time.key;
  return time.late ? `${name} (so far)` : name;
}

function nameValue(value) {
  return value === null ? "(none)" : value === "" ? "(empty)" : value;
}

function option(text, value) {
  const element = make("option", "", text);
  element.value = value;
  return element;
}

function fillSelect(select, filter) {
  if (filter.kind === "choice") {
    select.append(option("All", "all"), ...filter.values.map((value, place) => option(nameValue(value), String(place))));
    return;
  }
  const groups = new Map();
  for (const time of page.times) {
    const one = option(nameTime(time), time.key);
    if (time.kind === "all") {
      select.append(one);
      continue;
    }
    if (!groups.has(time.kind)) {
      groups.set(time.kind, make("optgroup"));
      groups.get(time.kind).label = KINDS[time.kind];
      select.append(groups.get(time.kind));
    }
    groups.get(time.kind).append(one);
  }
}

function defaultOf(filter) {
  if (filter.kind === "period") return filter.default;
  return filter.default === null ? "all" : String(filter.default);
}

function selectOf(filter) {
  return form.elements.namedItem(filter.name);
}

function readAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const filter of page.filters) {
    const [is, text] = [wanted.get(`${filter.name}.is`), wanted.get(filter.name)];
    let value = defaultOf(filter);
    if (filter.kind === "period") value = page.times.some((time) => time.key === text) ? text : value;
    else if (is === "all") value = "all";
    else if (is === "none" || text !== null) {
      const place = filter.values.indexOf(is === "none" ? null : text);
      value = place < 0 ? value : String(place);
    }
    selectOf(filter).value = value;
  }
}

function writeAddress() {
  const parts = new URLSearchParams();
  for (const filter of page.filters) {
    const { value } = selectOf(filter);
    if (value === defaultOf(filter)) continue;
    if (filter.kind === "period") parts.set(filter.name, value);
    else if (value === "all") parts.set(`${filter.name}.is`, "all");
    else if (filter.values[value] === null) parts.set(`${filter.name}.is`, "none");
    else parts.set(filter.name, filter.values[value]);
  }
  const text = String(parts);
  if (text !== location.hash.slice(1) && (text || location.hash.includes("="))) {
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }
}

function timeOf() {
  const filter = page.filters.find((one) => one.kind === "period");
  return filter && page.times.find((time) => time.key === selectOf(filter).value);
}

function readChosen() {
  const time = timeOf();
  return {
    range: time && time.range !== undefined ? time.range : null,
    choices: page.filters.map((filter) => {
      const { value } = selectOf(filter);
      return filter.kind === "period" || value === "all" ? null : Number(value);
    }),
  };
}

// What is chosen in words; then, for those who hear the page, the first figures.
function tell(isFirst) {
  const parts = page.filters.map((filter) => {
    const { value } = selectOf(filter);
    if (value === "all") return "";
    if (filter.kind === "choice") return `${filter.label}: ${nameValue(filter.values[value])}`;
    const time = timeOf();
    const [start, whole] = page.ranges[time.range];
    const end = time.late && page.asOf ? Math.max(start + 1, Math.min(whole, Math.ceil(page.asOf.end / DAY_MS))) : whole;
    return `${filter.label}: ${nameTime(time)}, ${writeDays(start * DAY_MS, end * DAY_MS)}`;
  });
  const words = parts.filter(Boolean).join(" · ");
  const tiles = [...document.querySelectorAll(".tile")].slice(0, 4).map((tile) => {
    const value = tile.querySelector(".value.live") || tile.querySelector(".value");
    return `${tile.querySelector("dt").textContent} ${value.textContent}`;
  });
  document.body.classList.toggle("filtered", Boolean(words));
  document.querySelector(".on-paper").textContent = words ? `Without the filters of the screen (${words}).` : "";
  if (isFirst && !words) return;
  chosenText.replaceChildren(make("span", "", words || "All data"), make("span", "unseen", `. ${tiles.join(", ")}`));
}

function show(isFirst) {
  const chosen = readChosen();
  for (const block of page.blocks) showBlock(block, chosen);
  form.querySelector("button").disabled = page.filters.every((filter) => selectOf(filter).value === defaultOf(filter));
  tell(isFirst);
}

function start() {
  page.cubes.forEach(unpackCube);
  for (const filter of page.filters) fillSelect(selectOf(filter), filter);
  readAddress();
  form.hidden = false;
  document.body.classList.add("is-live");
  show(true);
  form.addEventListener("change", () => {
    writeAddress();
    show(false);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const filter of page.filters) selectOf(filter).value = defaultOf(filter);
    writeAddress();
    show(false);
  });
  window.addEventListener("hashchange", () => {
    readAddress();
    show(false);
  });
  new ResizeObserver(() => {
    for (const block of page.blocks) {
      if (block.place && Math.floor(block.place.getBoundingClientRect().width) !== block.width) block.redraw();
    }
  }).observe(document.querySelector(".blocks"));
  document.body.dataset.ready = "true";
}

start();
