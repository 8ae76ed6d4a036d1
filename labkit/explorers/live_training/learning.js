// A run as it learns: its losses, its accuracy, the first layer's filters, its answer to one image.

/** Fill in a sentence: fill("epoch {n}", {n: 1}). */
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const percent = (share) => `${Math.round(100 * share)}%`;

function made(parent, tag, className = "", text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  parent.append(node);
  return node;
}

/** Paint pixels, uint8 RGB, on a canvas of one point each; CSS makes it larger. */
function pixels(canvas, view, from, height, width) {
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  for (let at = 0; at < height * width; at++) {
    for (let c = 0; c < 3; c++) image.data[4 * at + c] = view.getUint8(from + 3 * at + c);
    image.data[4 * at + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** The points of a curve that Python sent as float32 [n, 2]. */
function points(view) {
  const number = (at) => view.getFloat32(4 * at, true);
  const all = Array.from({ length: view.byteLength / 8 }, (_, n) => [number(2 * n), number(2 * n + 1)]);
  return all.filter(([, loss]) => Number.isFinite(loss));
}

/** A step between ticks: 1, 2 or 5 times a power of ten, so that there are at most six. */
function tickStep(range) {
  const power = 10 ** Math.floor(Math.log10(range / 6));
  return power * [1, 2, 5, 10].find((times) => times * power >= range / 6);
}

/** The losses as SVG: the axis begins at 0, and what has diverged is cut off. */
function chart(svg, frame) {
  const { width, height } = svg.getBoundingClientRect();
  const [left, right, top, bottom] = [34, width - 8, 8, height - 34];
  const [curve, before, epochs] = [frame.curve, frame.before, frame.validation].map(points);
  const losses = [...curve, ...before, ...epochs].map(([, loss]) => loss);
  const usual = frame.blind ?? losses[0] ?? 1;
  const highest = 1.15 * Math.min(Math.max(usual, ...losses), 3 * usual);
  const x = (epoch) => left + ((right - left) * epoch) / frame.epochs;
  const y = (loss) => bottom - (bottom - top) * Math.min(loss / highest, 2);
  const path = (line) => line.map(([at, loss]) => `${x(at).toFixed(1)},${y(loss).toFixed(1)}`).join(" ");
  const parts = [];
  const [up, along] = [tickStep(highest), Math.max(1, Math.ceil(frame.epochs / 6))];
  for (let loss = 0; loss <= highest; loss += up) {
    const at = y(loss);
    parts.push(`<line class="lk-grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>`);
    parts.push(`<text x="${left - 6}" y="${at + 4}" text-anchor="end">${Number(loss.toFixed(4))}</text>`);
  }
  for (let n = 0; n <= frame.epochs; n += along)
    parts.push(`<text x="${x(n)}" y="${bottom + 15}" text-anchor="middle">${n}</text>`);
  parts.push(`<text x="${(left + right) / 2}" y="${height - 4}" text-anchor="middle">${frame.words.epochs}</text>`);
  parts.push(`<g clip-path="inset(0)"><polyline class="lk-before" points="${path(before)}"/>`);
  parts.push(`<polyline class="lk-curve" points="${path(curve)}"/>`);
  parts.push(`<polyline class="lk-validation" points="${path(epochs)}"/>`);
  for (const [at, loss] of epochs)
    parts.push(`<rect class="lk-validation" x="${x(at) - 4}" y="${y(loss) - 4}" width="8" height="8"/>`);
  if (curve.length) parts.push(`<circle class="lk-now" cx="${x(curve.at(-1)[0])}" cy="${y(curve.at(-1)[1])}" r="4"/>`);
  parts.push("</g>");
  if (frame.blind) {
    const [at, n] = [y(frame.blind), Math.round(Math.exp(frame.blind))];
    const text = fill(frame.words.blind, { n, loss: frame.blind.toFixed(2) });
    parts.push(`<line class="lk-blind" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>`);
    parts.push(`<text x="${right}" y="${at - 5}" text-anchor="end">${text}</text>`);
  }
  svg.innerHTML = parts.join("");
}

function scene(el) {
  el.classList.add("lk-learning");
  const status = made(el, "p", "lk-live-status");
  const panels = made(made(el, "div", "lk-learning-box"), "div", "lk-learning-panels");
  const [losses, accuracy, filters, answer] = ["losses", "accuracy", "filters", "answer"].map(
    (name) => made(panels, "section", `lk-learning-${name}`),
  );
  const nodes = { el, status, message: made(status, "strong"), details: made(status, "span") };
  for (const [name, section] of Object.entries({ losses, accuracy, filters, answer }))
    nodes[`${name}Title`] = made(section, "div", "lk-learning-title");
  nodes.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  nodes.svg.setAttribute("aria-hidden", "true"); // the sentence below says it
  losses.append(nodes.svg);
  nodes.legend = made(losses, "div", "lk-learning-legend");
  [nodes.share, nodes.recent, nodes.validated] = [
    made(accuracy, "b"),
    made(accuracy, "span"),
    made(accuracy, "span"),
  ];
  nodes.rows = [made(filters, "div"), made(filters, "div")];
  const shown = made(answer, "div", "lk-learning-image");
  nodes.image = made(shown, "canvas");
  nodes.answer = made(shown, "div");
  nodes.bars = made(answer, "table");
  nodes.sentence = made(el, "p");
  nodes.sentence.setAttribute("role", "status");
  for (const canvas of [nodes.image, ...nodes.rows]) canvas.setAttribute("aria-hidden", "true");
  return nodes;
}

function paintWords(nodes, frame) {
  const { words } = frame;
  nodes.message.textContent = frame.message;
  nodes.details.textContent = ` ${frame.details}`;
  nodes.lossesTitle.textContent = words.loss;
  nodes.accuracyTitle.textContent = words.accuracy;
  nodes.filtersTitle.textContent = frame.filters ? words.filters : words["no filters"];
  nodes.answerTitle.textContent = frame.bars ? words.answer : words["no answer"];
  const lines = [["curve", words.training], ["validation", words.validation]];
  if (frame.before.byteLength) lines.push(["before", words.before]);
  nodes.legend.innerHTML = lines
    .map(([name, text]) => `<span><i class="lk-${name}"></i>${text}</span>`)
    .join("");
  const [share, n] = frame.recent ?? [];
  nodes.share.textContent = frame.recent ? percent(share) : "–";
  nodes.recent.textContent = frame.recent ? fill(words.recent, { n }) : words["no recent"];
  const done = frame.accuracy.length;
  const validated = { share: done && percent(frame.accuracy[done - 1]), n: done };
  nodes.validated.textContent = done ? fill(words.validated, validated) : "";
}

function paintFilters(nodes, frame) {
  if (!frame.filters) return nodes.rows.forEach((row) => row.replaceChildren());
  const [count, height, width] = frame["filter shape"];
  for (const [number, name, view] of [
    [0, frame.words["at the start"], frame["first filters"]],
    [1, frame.words.now, frame.filters],
  ]) {
    const row = nodes.rows[number];
    if (row.childElementCount !== count + 1) {
      row.replaceChildren();
      made(row, "span", "", name);
      for (let k = 0; k < count; k++) made(row, "canvas");
    }
    for (let k = 0; k < count; k++)
      pixels(row.children[k + 1], view, 3 * k * height * width, height, width);
  }
}

function paintAnswer(nodes, frame) {
  nodes.image.hidden = !frame.image;
  if (frame.image) pixels(nodes.image, frame.image, 0, ...frame["image shape"]);
  const bars = frame.bars ?? [];
  nodes.answer.replaceChildren();
  if (bars.length) {
    const [name, share, right] = bars.reduce((best, bar) => (bar[1] > best[1] ? bar : best));
    const truth = bars.find((bar) => bar[2])[0];
    made(nodes.answer, "div", "", fill(frame.words.truth, { name: truth }));
    const text = right ? frame.words.right : frame.words.wrong;
    made(nodes.answer, "div", "", fill(text, { name, share: percent(share) }));
  }
  while (nodes.bars.rows.length > bars.length) nodes.bars.deleteRow(-1);
  bars.forEach(([name, share, right], n) => {
    const row = nodes.bars.rows[n] ?? nodes.bars.insertRow();
    if (!row.cells.length) {
      made(row, "th").scope = "row";
      made(made(row, "td"), "i");
      made(row, "td");
    }
    row.className = right ? "lk-true" : "";
    row.cells[0].textContent = name;
    row.cells[1].firstChild.style.width = `${100 * share}%`;
    row.cells[2].textContent = percent(share);
  });
}

export default () => {
  let views = 0;
  return {
    render({ model, el }) {
      const nodes = scene(el);
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
      let [asked, waiting, painted, frames] = [0, 0, -Infinity, 0];
      const paint = () => {
        asked = 0;
        const frame = model.get("frame");
        const wait = calm.matches && frame.running ? painted + 1000 - performance.now() : 0;
        if (wait > 0) return (waiting ||= setTimeout(() => ((waiting = 0), ask()), wait));
        painted = performance.now();
        paintWords(nodes, frame);
        chart(nodes.svg, frame);
        paintFilters(nodes, frame);
        paintAnswer(nodes, frame);
        el.dataset.frames = ++frames;
      };
      const ask = () => (asked ||= requestAnimationFrame(paint));
      const speak = () => {
        const live = model.get("frame").running ? "off" : "polite"; // nobody listens so fast
        nodes.sentence.setAttribute("aria-live", live);
        nodes.sentence.textContent = model.get("sentence");
      };
      const sized = new ResizeObserver(ask);
      sized.observe(nodes.svg);
      model.on("change:frame", ask);
      model.on("change:sentence", speak);
      speak();
      ask();
      // In JupyterLab a key pressed on a button is also a command: "d d" would delete the cell.
      const keep = (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true");
      const attached = new ResizeObserver(() => el.closest(".lk-explorer")?.addEventListener("focusin", keep));
      attached.observe(el);
      views += 1;
      return () => {
        sized.disconnect();
        attached.disconnect();
        clearTimeout(waiting);
        cancelAnimationFrame(asked);
        model.off("change:frame", ask);
        model.off("change:sentence", speak);
        views -= 1;
        if (!views) model.send({ closed: true });
      };
    },
  };
};
