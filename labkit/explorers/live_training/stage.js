// A run as it learns: its losses, its accuracy, the first layer's filters, its answer to one image.

/** The points of a curve that Python sent as float32 [n, 2]. */
function curve(view) {
  const numbers = unpacked(view, Float32Array);
  const all = range(numbers.length / 2).map((n) => [numbers[2 * n], numbers[2 * n + 1]]);
  return all.filter(([, loss]) => Number.isFinite(loss));
}

/** The losses: the axis begins at 0, and what has diverged is cut off. */
function chart(svg, { words, blind, epochs, ...frame }) {
  const { width, height } = svg.getBoundingClientRect();
  const [now, before, validated] = [frame.curve, frame.before, frame.validation].map(curve);
  const losses = [...now, ...before, ...validated].map(([, loss]) => loss);
  const usual = blind ?? losses[0] ?? 1;
  const highest = 1.15 * Math.min(Math.max(usual, ...losses), 3 * usual);
  const place = new Frame([34, 8, width - 8, height - 34], [0, epochs], [0, highest]);
  const every = Math.max(1, Math.ceil(epochs / 6));
  const across = range(Math.floor(epochs / every) + 1).map((n) => n * every);
  const on = (points) => points.map(([epoch, loss]) => [place.x(epoch), place.y(Math.min(loss, 2 * highest))]);
  const parts = [polyline(on(before), "lk-before"), polyline(on(now), "lk-now"), polyline(on(validated), "lk-validation")];
  for (const [x, y] of on(validated))
    parts.push(tag("rect", { class: "lk-validation", x: x - 4, y: y - 4, width: 8, height: 8 }));
  for (const [cx, cy] of on(now.slice(-1))) parts.push(tag("circle", { class: "lk-now", cx, cy, r: 4 }));
  const below = text(words.epochs, width / 2, height - 4, { anchor: "middle" });
  const level = place.y(blind ?? 0);
  const said = blind && fill(words.blind, { n: Math.round(Math.exp(blind)), loss: fixed(blind, 2) });
  const line = { class: "lk-blind", x1: place.left, x2: place.right, y1: level, y2: level };
  const guess = blind ? tag("line", line) + text(said, place.right, level - 5, { anchor: "end" }) : "";
  svg.innerHTML = place.axes({ across }) + place.inside(parts) + below + guess;
}

/** The parts of the panel, each painted from a frame. */
class Panel {
  constructor(el) {
    const section = (name, ...parts) => {
      const title = make("div", "lk-title");
      return { title, element: make("section", `lk-${name}`, title, ...parts) };
    };
    this.svg = hidden(document.createElementNS("http://www.w3.org/2000/svg", "svg")); // the sentence says it
    this.legend = make("div", "lk-legend");
    [this.message, this.details] = [make("strong"), make("span")];
    [this.share, this.recent, this.validated] = [make("b"), make("span"), make("span")];
    this.rows = [hidden(make("div")), hidden(make("div"))];
    [this.image, this.answer, this.bars] = [hidden(make("canvas")), make("div"), make("table", "lk-bars")];
    this.losses = section("losses", this.svg, this.legend);
    this.accuracy = section("accuracy", this.share, this.recent, this.validated);
    this.filters = section("filters", ...this.rows);
    this.asked = section("asked", make("div", "lk-image-asked", this.image, this.answer), this.bars);
    const sections = [this.losses, this.accuracy, this.filters, this.asked].map(({ element }) => element);
    this.sentence = spoken();
    el.classList.add("lk-learning");
    el.append(make("p", "lk-live-status", this.message, this.details), make("div", "lk-panels", ...sections), this.sentence);
  }

  paint(frame) {
    this.paintWords(frame);
    chart(this.svg, frame);
    this.paintFilters(frame);
    this.paintAnswer(frame);
  }

  paintWords({ words, message, details, recent, accuracy, filters, bars, before }) {
    this.message.textContent = message;
    this.details.textContent = ` ${details}`;
    this.losses.title.textContent = words.loss;
    this.accuracy.title.textContent = words.accuracy;
    this.filters.title.textContent = filters ? words.filters : words["no filters"];
    this.asked.title.textContent = bars ? words.answer : words["no answer"];
    const lines = [["now", words.training], ["validation", words.validation]];
    if (before.byteLength) lines.push(["before", words.before]);
    this.legend.replaceChildren(...lines.map(([name, said]) => make("span", "", make("i", `lk-${name}`), said)));
    this.share.textContent = recent ? percent(recent[0], 0) : "–";
    this.recent.textContent = recent ? fill(words.recent, { n: recent[1] }) : words["no recent"];
    const done = { share: accuracy.length && percent(accuracy.at(-1), 0), n: accuracy.length };
    this.validated.textContent = accuracy.length ? fill(words.validated, done) : "";
  }

  paintFilters(frame) {
    const [count, height, width] = frame.filters ? frame["filter shape"] : [0];
    const { words } = frame;
    [[words["at the start"], frame["first filters"]], [words.now, frame.filters]].forEach(([name, view], n) => {
      const row = this.rows[n];
      if (row.childElementCount !== count + 1 || !count)
        row.replaceChildren(...(count ? [make("span", "", name), ...range(count).map(() => make("canvas"))] : []));
      const bytes = count ? unpacked(view, Uint8Array) : null;
      for (let k = 0; k < count; k++)
        paintColours(row.children[k + 1], bytes.subarray(3 * k * height * width), height, width);
    });
  }

  paintAnswer({ image, bars = [], words, ...frame }) {
    this.image.hidden = !image;
    if (image) paintColours(this.image, unpacked(image, Uint8Array), ...frame["image shape"]);
    this.answer.replaceChildren();
    if (bars.length) {
      const [name, share, right] = bars.reduce((best, bar) => (bar[1] > best[1] ? bar : best));
      const truth = fill(words.truth, { name: bars.find((bar) => bar[2])[0] });
      const said = fill(right ? words.right : words.wrong, { name, share: percent(share, 0) });
      this.answer.append(make("div", "", truth), make("div", "", said));
    }
    while (this.bars.rows.length > bars.length) this.bars.deleteRow(-1);
    bars.forEach(([name, share, right], n) => {
      const row = this.bars.rows[n] ?? this.bars.insertRow();
      if (!row.cells.length) row.append(make("th"), make("td", "", make("i")), make("td"));
      row.className = right ? "lk-true" : "";
      row.cells[0].scope = "row";
      row.cells[0].textContent = name;
      row.cells[1].firstChild.style.width = `${100 * share}%`;
      row.cells[2].textContent = percent(share, 0);
    });
  }
}

export default () => {
  let views = 0;
  return {
    render({ model, el }) {
      const panel = new Panel(el);
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
      let [asked, waiting, painted, frames] = [0, 0, -Infinity, 0];
      const draw = () => {
        asked = 0;
        const frame = { ...model.get("scene"), words: model.get("words") };
        const wait = calm.matches && frame.running ? painted + 1000 - performance.now() : 0;
        if (wait > 0) return (waiting ||= setTimeout(() => ((waiting = 0), ask()), wait));
        painted = performance.now();
        panel.paint(frame);
        el.dataset.frames = ++frames;
      };
      const ask = () => (asked ||= requestAnimationFrame(draw));
      const speak = () => {
        const live = model.get("scene").running ? "off" : "polite"; // nobody listens so fast
        panel.sentence.setAttribute("aria-live", live);
        panel.sentence.textContent = model.get("sentence");
      };
      signs = model.get("signs");
      const sized = new ResizeObserver(ask);
      sized.observe(panel.svg);
      const off = [follow(model, { "change:scene": ask, "change:sentence": speak }), keepAllKeys(el)];
      speak();
      ask();
      views += 1;
      return () => {
        off.forEach((end) => end());
        sized.disconnect();
        clearTimeout(waiting);
        cancelAnimationFrame(asked);
        views -= 1;
        if (!views) model.send({ closed: true });
      };
    },
  };
};
