// What test_charts.py asks of the drawings that are seen.

function seen(card) {
  return [...card.querySelectorAll(".drawing svg")].filter((svg) => svg.getClientRects().length);
}

// Each drawing's words for a screen reader, and which of its texts are cut or cover another.
function lookAtDrawings() {
  return [...document.querySelectorAll("section.chart")].map((card) => {
    const [svg] = seen(card);
    if (!svg) return { name: card.id, faults: ["no drawing"], role: "", label: "", rows: 0 };
    const faults = [];
    const room = card.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")]
      .filter((text) => text.textContent.trim())
      .map((text) => ({
        words: text.textContent,
        box: text.getBoundingClientRect(),
        isTilted: /rotate\((?!0)/.test(text.getAttribute("transform") || ""),
      }));
    for (const { words, box } of texts) {
      if (box.left < room.left || box.right > room.right || box.bottom > room.bottom) faults.push(`cut: ${words}`);
      if (words.includes("…")) faults.push(`shortened: ${words}`);
    }
    const flat = texts.filter((text) => !text.isTilted);
    flat.forEach((one, n) => {
      for (const other of flat.slice(n + 1)) {
        const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        if (across > 1 && down > 3) faults.push(`overlap: ${one.words} / ${other.words}`);
      }
    });
    const label = svg.getAttribute("aria-label") || "";
    const rows = card.querySelectorAll("details tbody tr").length;
    return { name: card.id, faults, role: svg.getAttribute("role"), label, rows };
  });
}

function lightOf(color) {
  const [red, green, blue] = color
    .match(/[\d.]+/g)
    .slice(0, 3)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [low, high] = [lightOf(one), lightOf(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

// How every text and every thick line stands out from its card.
function findContrasts() {
  const found = [];
  for (const card of document.querySelectorAll("section.chart")) {
    const ground = getComputedStyle(card).backgroundColor;
    for (const svg of seen(card)) {
      const texts = [...svg.querySelectorAll("text")].map((text) => ["text", getComputedStyle(text).fill]);
      const lines = [...svg.querySelectorAll('path[stroke-width="2"]')]
        .filter((line) => ["none", "transparent"].includes(line.getAttribute("fill") || "none"))
        .map((line) => ["line", getComputedStyle(line).stroke])
        .filter(([, color]) => color.startsWith("rgb"));
      for (const [kind, color] of [...texts, ...lines]) found.push([kind, card.id, contrast(color, ground)]);
    }
  }
  return found;
}
