"use strict";
(() => {
  const body = document.body;

  // A picture: what a column is made of and what is made of it stands out, and the rest steps back.
  const trace = (svg) => {
    const edges = [...svg.querySelectorAll(".edge")];
    const parts = [...svg.querySelectorAll("[data-row], [data-node]")];
    const keyOf = (part) => part.dataset.row ?? part.dataset.node;
    const nodeOf = (key) => key.split("\t")[0];
    const ahead = new Map(), back = new Map();
    const link = (map, one, other) => map.set(one, [...(map.get(one) ?? []), other]);
    for (const edge of edges) {
      link(ahead, edge.dataset.from, edge.dataset.to);
      link(back, edge.dataset.to, edge.dataset.from);
    }
    const reach = (starts, map) => {
      const found = new Set(starts), waiting = [...starts];
      while (waiting.length) {
        for (const next of map.get(waiting.pop()) ?? []) {
          if (!found.has(next)) { found.add(next); waiting.push(next); }
        }
      }
      return found;
    };
    let pinned = null;
    const light = (key) => {
      svg.classList.toggle("traced", key !== null);
      if (key === null) return;
      const starts = key.includes("\t") ? [key] : parts.map(keyOf).filter((one) => nodeOf(one) === key);
      const forth = reach(starts, ahead), from = reach(starts, back);
      const nodes = new Set([...forth, ...from].map(nodeOf));
      for (const part of parts) {
        const one = keyOf(part);
        part.classList.toggle("lit", part.dataset.row ? forth.has(one) || from.has(one) : nodes.has(one));
      }
      for (const { dataset: { from: one, to: other }, classList } of edges) {
        classList.toggle("lit", (forth.has(one) && forth.has(other)) || (from.has(one) && from.has(other)));
      }
    };
    const pin = () => {
      const chosen = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
      const row = chosen && chosen.dataset.row;
      pinned = row && parts.some((part) => part.dataset.row === row) ? row : null;
      light(pinned);
    };
    svg.addEventListener("pointerover", (event) => {
      const part = event.target.closest("[data-row], [data-node]");
      light(part ? keyOf(part) : pinned);
    });
    svg.addEventListener("pointerleave", () => light(pinned));
    addEventListener("hashchange", pin);
    pin();
    // A picture wider than the page begins where the page's own table is.
    const subject = svg.querySelector(".subject"), frame = svg.parentElement;
    if (subject && frame.scrollWidth > frame.clientWidth) {
      const box = subject.getBoundingClientRect(), outer = frame.getBoundingClientRect();
      frame.scrollLeft += box.left + box.width / 2 - outer.left - outer.width / 2;
    }
  };
  document.querySelectorAll("svg.lineage").forEach(trace);

  // The list of tables, narrowed down as one types.
  const search = document.getElementById("search");
  if (search) {
    const told = document.getElementById("found");
    const entries = [...document.querySelectorAll("[data-search]")];
    search.closest("[hidden]").hidden = false;
    const narrow = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const entry of entries) {
        const names = entry.dataset.search.toLowerCase();
        entry.hidden = !words.every((word) => names.includes(word));
        count += !entry.hidden;
        const columns = words.length ? entry.dataset.columns.split(" ")
          .filter((name) => words.some((word) => name.toLowerCase().includes(word))) : [];
        const place = entry.querySelector(".matches");
        place.textContent = columns.length ? columns.slice(0, 6).join(", ") + (columns.length > 6 ? ", …" : "") : "";
      }
      for (const group of document.querySelectorAll("[data-group]")) {
        group.hidden = !group.querySelector("[data-search]:not([hidden])");
      }
      told.textContent = words.length ? `${count} of ${entries.length}` : "";
    };
    search.addEventListener("input", narrow);
    narrow();
  }

  // A site that is served is written anew after a run: then this page is another, and is read again.
  if (location.protocol.startsWith("http")) {
    const ask = async () => {
      if (!document.hidden) {
        try {
          const answer = await fetch(`${body.dataset.root}version.json`, { cache: "no-store" });
          const versions = answer.ok ? (await answer.json()).pages : {};
          const newest = versions[body.dataset.page];
          if (newest && newest !== body.dataset.version) { location.reload(); return; }
        } catch { /* nobody serves it any more: the page stays as it is */ }
      }
      setTimeout(ask, 2000);
    };
    setTimeout(ask, 2000);
  }
})();
