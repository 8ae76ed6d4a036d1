// A run as it learns: its losses, its accuracy, the first layer's filters, its answer to one image.

/** The points of a curve that Python sent as float32 [n, 2]. */
function curve(view) {
  const numbers = unpacked(view, Float32Array);
  const all = range(numbers.length / 2).map((n) => [numbers[2 * n], numbers[2 * n + 1]]);
  return all.filter(([, loss]) => Number.isFinite(loss));
}

/** Filters, float32 [h, n, w, 3], as one image: grey is 0, `most` is bright; behind each a gap. */
function filterPixels(weights, most, width) {
  const levels = [...weights].map((weight) => 127.5 + (127.5 * weight) / most);
  const gap = (i) => ((i + 1) % width ? [] : [0, 0, 0, 0]);
  const pixels =
    range(weights.length / 3).flatMap((i) => [...levels.slice(3 * i, 3 * i + 3), 255, ...gap(i)]);
  return Uint8ClampedArray.from(pixels);
}

/** The losses: the axis begins at 0, and what has diverged is cut off. */
class Chart {
  svg = hidden(drawing()); // the sentence says it

  /** Draw a frame on so many points; the running loss is a layer of its own, drawn each time. */
  paint({ words, blind, epochs, ...frame }, width, height) {
    const [now, before, validated] = [frame.curve, frame.before, frame.validation].map(curve);
    const losses = [...now, ...before, ...validated].map(([, loss]) => loss);
    const usual = blind ?? losses[0] ?? 1;
    const highest = 1.15 * Math.min(Math.max(usual, ...losses), 3 * usual);
    const place = new Frame([34, 8, width - 8, height - 34], [0, epochs], [0, highest]);
    const on = (all) =>
      all.map(([epoch, loss]) => [place.x(epoch), place.y(Math.min(loss, 2 * highest))]);
    const drawn = [
      width, height, epochs, highest, blind, before.length, before.at(-1), validated.length,
    ].join();
    if (drawn !== this.drawn)
      this.svg.innerHTML = this.ground(place, on, { words, blind, epochs, before, validated });
    this.drawn = drawn;
    const [line, dot] = this.svg.querySelectorAll(".lk-now");
    line.setAttribute("points", points(on(now)));
    const [x, y] = on(now).at(-1) ?? [-9, -9];
    dot.setAttribute("transform", `translate(${x} ${y})`);
  }

  ground(place, on, { words, blind, epochs, before, validated }) {
    const { left, right, bottom } = place;
    const every = Math.max(1, Math.ceil(epochs / 6));
    const across = range(Math.floor(epochs / every) + 1).map((n) => n * every);
    const squares = on(validated).map(([x, y]) =>
      tag("rect", { class: "lk-validation", x: x - 4, y: y - 4, width: 8, height: 8 }),
    );
    const lines = [polyline(on(before), "lk-before"), polyline(on(validated), "lk-validation")];
    const moving = polyline([], "lk-now") + tag("circle", { class: "lk-now", r: 4 });
    const now = tag("g", { class: "lk-moving" }, moving);
    const below = text(words.epochs, (left + right) / 2, bottom + 30, { anchor: "middle" });
    const level = place.y(blind ?? 0);
    const said =
      blind && fill(words.blind, { n: Math.round(Math.exp(blind)), loss: fixed(blind, 2) });
    const line = tag("line", { class: "lk-blind", x1: left, x2: right, y1: level, y2: level });
    const guess = blind ? line + text(said, right, level - 5, { anchor: "end" }) : "";
    const drawn = place.axes({ across }) + place.inside([...lines, ...squares]);
    return drawn + below + guess + place.inside([now]);
  }
}

/** The parts of the panel, each painted from a frame. */
class Panel {
  constructor(el) {
    const section = (name, ...parts) => {
      const title = make("div", "lk-title");
      return { title, element: make("section", `lk-${name}`, title, ...parts) };
    };
    this.chart = new Chart();
    this.legend = make("div", "lk-legend");
    [this.message, this.details] = [make("strong"), make("span")];
    [this.share, this.recent, this.validated] = [make("b"), make("span"), make("span")];
    this.rows = [hidden(make("div")), hidden(make("div"))];
    [this.image, this.truth, this.answer] = [hidden(make("canvas")), make("div"), make("div")];
    this.bars = make("table", "lk-bars");
    this.losses = section("losses", this.chart.svg, this.legend);
    this.accuracy = section("accuracy", this.share, this.recent, this.validated);
    this.filters = section("filters", ...this.rows);
    const answer = make("div", "", this.truth, this.answer);
    this.asked = section("asked", make("div", "lk-image-asked", this.image, answer), this.bars);
    const sections =
      [this.losses, this.accuracy, this.filters, this.asked].map(({ element }) => element);
    this.sentence = spoken();
    el.classList.add("lk-learning");
    const status = make("p", "lk-live-status", this.message, this.details);
    el.append(status, make("div", "lk-panels", ...sections), this.sentence);
  }

  paint(frame, size) {
    const isDue = frame.said !== this.said; // else its words and numbers stand there
    if (isDue) this.paintWords(frame);
    this.chart.paint(frame, ...size);
    this.paintFilters(frame);
    this.paintAnswer(frame, isDue);
    this.said = frame.said;
  }

  paintWords({ words, message, details, recent, accuracy, now, bars, before }) {
    put(this.message, { textContent: message });
    put(this.details, { textContent: ` ${details}` });
    put(this.losses.title, { textContent: words.loss });
    put(this.accuracy.title, { textContent: words.accuracy });
    put(this.filters.title, { textContent: now ? words.filters : words["no filters"] });
    put(this.asked.title, { textContent: bars ? words.answer : words["no answer"] });
    const lines = [["now", words.training], ["validation", words.validation]];
    if (before.byteLength) lines.push(["before", words.before]);
    if (this.legend.childElementCount !== lines.length)
      this.legend.replaceChildren(
        ...lines.map(([name, said]) => make("span", "", make("i", `lk-${name}`), said)),
      );
    put(this.share, { textContent: recent ? percent(recent[0], 0) : "–" });
    const said = recent ? fill(words.recent, { n: recent[1] }) : words["no recent"];
    put(this.recent, { textContent: said });
    const done = { share: accuracy.length && percent(accuracy.at(-1), 0), n: accuracy.length };
    put(this.validated, { textContent: accuracy.length ? fill(words.validated, done) : "" });
  }

  paintFilters({ words, now, filters, "filters' size": [height, count, width] = [] }) {
    const both = now ? [filters, now].map((view) => unpacked(view, Float32Array)) : [];
    const most = Math.max(...both.flatMap((each) => [...each].map(Math.abs))) || 1;
    [words["at the start"], words.now].forEach((name, n) => {
      const row = this.rows[n];
      if (row.childElementCount !== (now ? 2 : 0))
        row.replaceChildren(...(now ? [make("span", "", name), make("canvas")] : []));
      const size = [height, count * (width + 1)];
      if (now) paintColours(row.lastChild, filterPixels(both[n], most, width), ...size);
    });
  }

  /** The bar in a row of the table, which is made where it is missing. */
  bar(n) {
    const row = this.bars.rows[n] ?? this.bars.insertRow();
    if (!row.cells.length) row.append(make("th"), make("td", "", make("i")), make("td"));
    return row.cells[1].firstChild;
  }

  paintAnswer({ image, bars = [], words, ...frame }, isDue) {
    bars.forEach(([, share], n) =>
      put(this.bar(n).style, { transform: `scaleX(${Math.max(share, 0.005).toFixed(3)})` }));
    if (!isDue) return;
    this.image.hidden = !image;
    if (image) paintColours(this.image, unpacked(image, Uint8Array), ...frame["image shape"]);
    let [truth, said] = ["", ""];
    if (bars.length) {
      const [name, share, right] = bars.reduce((best, bar) => (bar[1] > best[1] ? bar : best));
      truth = fill(words.truth, { name: bars.find((bar) => bar[2])[0] });
      said = fill(right ? words.right : words.wrong, { name, share: percent(share, 0) });
    }
    put(this.truth, { textContent: truth });
    put(this.answer, { textContent: said });
    while (this.bars.rows.length > bars.length) this.bars.deleteRow(-1);
    bars.forEach(([name, share, right], n) => {
      const row = this.bars.rows[n];
      put(row, { className: right ? "lk-true" : "" });
      put(row.cells[0], { scope: "row", textContent: name });
      put(row.cells[2], { textContent: percent(share, 0) });
    });
  }
}

export default () => {
  let [views, told] = [0, null];
  const seen = new Set(); // the views that somebody can see: without any, no frame is sent
  return {
    render({ model, el }) {
      const panel = new Panel(el);
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
      let [asked, waiting, painted, frames, size, inView] = [0, 0, -Infinity, 0, [0, 0], true];
      const draw = () => {
        asked = 0;
        if (!size[0]) return; // it is not on the page
        const [watched, scene, moving] = ["watched", "scene", "moving"].map((n) => model.get(n));
        const frame = { ...watched, ...scene, ...moving, words: model.get("words") };
        const wait = frame.running && calm.matches ? painted + 1000 - performance.now() : 0;
        if (wait > 0) return (waiting ||= setTimeout(() => ((waiting = 0), ask()), wait));
        painted = performance.now();
        panel.paint(frame, size);
        el.dataset.frames = ++frames;
      };
      const ask = () => (asked ||= requestAnimationFrame(draw));
      const speak = () => {
        const live = model.get("scene").running ? "off" : "polite"; // nobody listens so fast
        panel.sentence.setAttribute("aria-live", live);
        panel.sentence.textContent = model.get("sentence");
      };
      const look = () => {
        inView && !document.hidden ? seen.add(el) : seen.delete(el);
        if (told === !!seen.size) return;
        told = !!seen.size;
        try {
          model.send({ seen: told });
        } catch {} // the kernel was restarted: nobody hears it
      };
      signs = model.get("signs");
      const sized = new ResizeObserver(([{ contentRect: { width, height } }]) => {
        size = [width, height];
        looked.observe(el.closest(".lk-explorer") ?? el); // its buttons may be all that is in sight
        ask();
      });
      const looked = new IntersectionObserver((changes) => {
        inView = changes.at(-1).isIntersecting;
        look();
      });
      sized.observe(panel.chart.svg);
      document.addEventListener("visibilitychange", look);
      const hears = { "change:scene change:moving change:watched": ask, "change:sentence": speak };
      const off = [follow(model, hears), keepAllKeys(el)];
      speak();
      ask();
      views += 1;
      return () => {
        off.forEach((end) => end());
        sized.disconnect();
        looked.disconnect();
        document.removeEventListener("visibilitychange", look);
        clearTimeout(waiting);
        cancelAnimationFrame(asked);
        seen.delete(el);
        views -= 1;
        if (!views) model.send({ closed: true });
      };
    },
  };
};
