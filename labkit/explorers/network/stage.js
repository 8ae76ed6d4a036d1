// The network from the image down to the probabilities: lines lead from the maps that feed the
// number under the pointer. A click opens the arithmetic of a number (`sums.js`).

class Inside extends Lines {
  look = null; // the place under the pointer, as long as it is there
  trail = []; // the places that led to the one that is open

  constructor({ model, el, words, change }, told) {
    super();
    Object.assign(this, { model, el, words, change });
    this.sums = new Sums(make("div", "lk-sums-content"), (to) => this.follow(to));
    el.classList.add("lk-network-stage");
    this.build();
    this.meet(told);
  }

  get chosen() {
    return this.story.inside(this.model.get("settings").place);
  }

  get opened() {
    return this.model.get("settings").opened;
  }

  /** The frame that stays: the image, the chosen map, the words; below, the lines or the sums. */
  build() {
    const { words, el } = this;
    [this.image, this.imageFrame, this.focus, this.focusFrame] =
      ["canvas", "i", "canvas", "i"].map((tag) => make(tag));
    this.imageBox = hidden(make("div", "lk-image lk-framed-map", this.image, this.imageFrame));
    this.focusBox = make("div", "lk-focus lk-framed-map", this.focus, this.focusFrame);
    [this.title, this.status, this.range] = [make("h4"), spoken(), make("p", "lk-muted")];
    this.toggle = this.button(() => (this.opened ? this.close() : this.open()));
    this.back = this.button(() => this.goBack());
    const title = make("div", "lk-title", this.title, this.toggle);
    this.said = make("div", "lk-said", title, this.status, this.range);
    this.rows = make("div", "lk-rows");
    this.svg = hidden(drawing());
    this.hint = make("p", "lk-muted lk-hint", words.hint);
    const panel = make("div", "lk-sums", this.back, this.sums.element);
    el.append(make("div", "lk-net", this.rows, this.svg, panel));
    chooser(this.focusBox, words["a number"], {
      move: (down, right) => this.moveInMap(down, right),
      enter: () => this.open(),
    });
    el.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.opened) return;
      event.stopPropagation();
      this.close();
    });
    el.addEventListener("pointermove", (event) => {
      const elsewhere = this.opened && !this.focusBox.contains(event.target);
      this.hover(elsewhere ? null : this.under(event));
    });
    el.addEventListener("pointerleave", () => this.hover(null));
    el.addEventListener("mousedown", (event) => {
      // else the focus moves the map away
      if (event.target.closest(".lk-map")) event.preventDefault();
    });
    el.addEventListener("click", (event) => {
      const place = this.under(event);
      if (place) this.open(place);
    });
  }

  button(act) {
    const { input } = button(act);
    keepKeys([input]);
    input.addEventListener("click", (event) => event.stopPropagation());
    return input;
  }

  /** Show another story: of another image, or of other weights. */
  meet(told) {
    const ask = (line, map) => this.model.send?.({ filter: [line, map] });
    this.story = new Story(told, this.words, ask);
    const { brightest, blind } = told;
    Object.assign(this, { look: null, focused: null, brightest, blind });
    paintColours(this.image, this.story.image, ...this.story.size);
    const plan = JSON.stringify(told.plan.map(({ name, shape }) => [name, shape]));
    plan === this.plan ? this.paint() : this.lay(); // of the same lines, nothing has to move
    this.plan = plan;
  }

  /** Keep the weights of a map, which the kernel sent because they were asked for. */
  hear({ filter: [number, map] }, [numbers]) {
    this.story.keep(number, map, unpacked(numbers, Float32Array));
    this.draw();
  }

  // Where one is

  go(place, opened = this.opened) {
    this.look = null;
    this.drawn = false;
    this.change({ place: this.story.inside(place), opened });
    if (!this.drawn) this.draw(); // it is the same place, which the pointer was not on
  }

  hover(place) {
    if (String(place) === String(this.look)) return;
    this.look = place;
    this.draw();
  }

  /** Show how a number is computed; `trail` are the places that led to it. */
  open(place = this.chosen, trail = []) {
    this.trail = trail;
    this.go(place, true);
    this.focusBox.focus({ preventScroll: true });
  }

  /** Go on from a number that is open to one that it was made of. */
  follow(place) {
    this.open(place, [...this.trail, this.chosen]);
  }

  goBack() {
    this.open(this.trail.at(-1), this.trail.slice(0, -1));
  }

  close() {
    this.trail = [];
    this.go(this.chosen, false);
    this.focusOn(this.chosen[0]);
  }

  /** Arrow keys in the large map. */
  moveInMap(down, right) {
    const [number, map, row, column] = this.chosen;
    const line = this.story.lines[number];
    if (line.isVector)
      this.go([number, map + down * wrapped(line) + finite(right, line.maps), 0, 0]);
    else this.go([number, map, row + down, column + finite(right, line.width)]);
  }

  /** Arrow keys on a line: another map, or another line at the same place of the image. */
  moveInLines(number, down, right) {
    const [, map, row, column] = this.chosen;
    if (!down)
      return this.go([number, map + finite(right, this.story.lines[number].maps), row, column]);
    const next = clamp(number + down, 0, this.story.last);
    this.go(this.sameIn(next));
    this.focusOn(next);
  }

  focusOn(number) {
    this.rows.querySelector(`.lk-maps[data-chooses="${number}"]`)?.focus({ preventScroll: true });
  }

  /** The place under the pointer, or null. */
  under(event) {
    const inside = event.target.closest?.(".lk-map, .lk-focus");
    if (!inside || !this.el.contains(inside)) return null;
    const box = (inside.querySelector("canvas") ?? inside).getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    if (x < 0 || x >= 1 || y < 0 || y >= 1) return null;
    const large = inside === this.focusBox;
    const [number, map] = large ? this.focused : [Number(inside.dataset.line), inside.dataset.map];
    const line = this.story.lines[number];
    if (large && line.isVector) {
      const columns = wrapped(line);
      const unit =
        Math.floor(y * Math.ceil(line.maps / columns)) * columns + Math.floor(x * columns);
      return unit < line.maps ? [number, unit, 0, 0] : null;
    }
    if (map === undefined) return [number, Math.floor(x * line.maps), 0, 0];
    return [number, Number(map), Math.floor(y * line.height), Math.floor(x * line.width)];
  }

  // What is drawn

  /** Draw what depends on the place alone. */
  draw() {
    if (!this.look && this.mustLay()) this.lay();
    const { story, opened, words, el } = this;
    const place = this.look ?? this.chosen;
    const line = story.lines[place[0]];
    if (opened && !el.style.minHeight) el.style.minHeight = `${el.offsetHeight}px`;
    if (!opened) el.style.minHeight = ""; // what is below stays where it is
    el.classList.toggle("lk-opened", opened);
    this.title.textContent = story.title(place);
    const said = `${story.sentence(place)} ${story.sees(place) || this.blind}`.trim();
    this.status.textContent = said.replaceAll(" × ", "\u00a0×\u00a0"); // 5 × 5 in one line
    this.range.textContent =
      fill(words.range, { low: rounded(line.low), high: rounded(line.high) });
    this.toggle.textContent = opened ? words.close : words.open;
    this.back.hidden = !opened || !this.trail.length;
    if (this.trail.length)
      this.back.textContent = fill(words.back, { layer: story.title(this.trail.at(-1)) });
    const seen = story.seen(place);
    this.imageFrame.hidden = !seen || seen[1] <= seen[0] || seen[3] <= seen[2];
    if (seen) frameOn(this.imageFrame, seen, story.lines[0].height, story.lines[0].width);
    this.enlarge(place);
    for (const maps of this.rows.querySelectorAll(".lk-maps")) this.speak(maps);
    if (opened) this.sums.show(story, place);
    this.connect(place);
    Object.assign(el.dataset, { place: place.join(" "), opened });
    this.drawn = true;
  }

  mustLay() {
    const [number, map] = this.chosen;
    const first = this.first.get(number);
    return first === undefined
      || (!this.story.lines[number].isVector && (map < first || map >= first + COLUMNS));
  }

  speak(maps) {
    const number = Number(maps.dataset.chooses);
    const place = this.story.inside([number, ...this.chosen.slice(1)]);
    stand(maps, place[1], this.story.lines[number].maps - 1, this.read(place));
  }

  read(place) {
    return `${this.story.title(place)}: ${fixed(this.story.value(place))}`;
  }

  /** The chosen map, large, with the number framed. */
  enlarge(place) {
    const [number, map, row, column] = place;
    const line = this.story.lines[number];
    const columns = wrapped(line);
    const rows = line.isVector ? Math.ceil(line.maps / columns) : line.height;
    const [oldLine, oldMap] = this.focused ?? [];
    if (oldLine !== number || (oldMap !== map && !line.isVector)) {
      const values = line.isVector ? line.values : this.story.plane(number, map);
      paintGrey(this.focus, values, rows, columns, line.low, line.high);
      const scale = 120 / Math.max(rows, columns);
      const [wide, tall] = [columns * scale, rows * scale];
      Object.assign(this.focusBox.style, { width: `${wide}px`, height: `${tall}px` });
    }
    this.focused = [number, map];
    const [y, x] = line.isVector ? [Math.floor(map / columns), map % columns] : [row, column];
    frameOn(this.focusFrame, [y, y + 1, x, x + 1], rows, columns);
    stand(this.focusBox, row * line.width + column, line.height * line.width - 1, this.read(place));
  }

  /** Lines from what feeds the number, and frames around it and the windows it takes. */
  connect(place) {
    const outer = this.svg.getBoundingClientRect();
    const framed = ({ x, y, width, height }, name) =>
      tag("rect", { x, y, width, height, class: name });
    const here = this.box(place[0], place[1], outer);
    const parts = here ? [framed(grown(here, 2), "lk-frame")] : [];
    const feeders = this.opened || !here ? [] : this.story.feeders(place);
    const most = Math.max(...feeders.map(({ adds }) => Math.abs(adds ?? 0))) || 1;
    for (const { line, map, adds } of feeders) {
      const box = this.box(line, map, outer);
      if (!box) continue;
      const [x, y, toX, toY] =
        [box.x + box.width / 2, box.y + box.height, here.x + here.width / 2, here.y - 2];
      const bend = Math.max(8, (toY - y) * 0.6);
      const kind = adds === null ? "lk-any" : adds < 0 ? "lk-less" : "lk-more";
      const d = `M ${x} ${y} C ${x} ${y + bend}, ${toX} ${toY - bend}, ${toX} ${toY}`;
      const strength = 0.8 + (3.2 * Math.abs(adds ?? 0)) / most;
      parts.push(tag("path", { d, class: `lk-link ${kind}`, "stroke-width": strength }));
      const source = this.story.lines[line];
      if (!source.isVector)
        parts.push(framed(part(box, source, this.story.window(place)), "lk-window"));
    }
    this.svg.innerHTML = parts.join("");
  }

  /** Where a map or unit is drawn, within the lines; null if it is not. */
  box(number, map, outer) {
    const exact = this.rows.querySelector(`.lk-map[data-line="${number}"][data-map="${map}"]`);
    const found = exact ?? this.rows.querySelector(`.lk-strip[data-line="${number}"]`);
    if (!found?.getClientRects().length) return null;
    const { x, y, width, height } = found.getBoundingClientRect();
    const box = { x: x - outer.x, y: y - outer.y, width, height };
    const unit = width / this.story.lines[number].maps;
    return exact ? box : { ...box, x: box.x + map * unit, width: unit };
  }
}

const finite = (step, count) => (Number.isFinite(step) ? step : step > 0 ? count : -count);
const grown = ({ x, y, width, height }, by) =>
  ({ x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by });

/** The part of a map's box that is under a window. */
function part(box, { height, width }, window) {
  const [[top, bottom], [left, right]] = window.map(extent);
  const [wide, high] = [box.width / width, box.height / height];
  const corner = { x: box.x + left * wide, y: box.y + top * high };
  return { ...corner, width: (right - left) * wide, height: (bottom - top) * high };
}

/** Shows what is told of the image; where weights can be chosen, those near by are here before. */
function begin({ model, redraw, ...given }) {
  const told = new Map(); // by the place of the slider; null if it is asked for
  let [inside, shown, image, slider] = [null, null, "", null];
  const keep = (one) => told.get(one.at) ?? told.set(one.at, one);
  const meet = () => {
    const numbers = model.get("numbers");
    const other = String(unpacked(numbers.image, Uint8Array));
    if (!slider || image !== other) told.clear();
    image = other;
    keep({ ...model.get("scene"), ...numbers });
    return look();
  };
  /** Show what belongs to the slider's place, if it is here; say whether that is new. */
  const look = () => {
    const { at } = model.get("numbers");
    const now = told.get(slider?.get("value") ?? at) ?? shown ?? told.get(at);
    if (now === shown || !now.plan.length) return false; // else the network could not be run
    inside ? inside.meet(now) : (inside = new Inside({ model, ...given }, now));
    shown = now;
    return true;
  };
  const foreseen = () => {
    keep(model.get("ahead"));
    return look();
  };
  const ask = (...steps) => {
    for (const at of steps.map((step) => slider.get("value") + step)) {
      if (told.has(at) || at < 0 || at > slider.get("maximum")) continue;
      told.set(at, null);
      model.send({ weights: at });
    }
  };
  const step = () => {
    if (look()) redraw();
    afterPaint(() => ask(1, -1, 2, -2));
  };
  const hear = (message, buffers) => inside.hear(message, buffers);
  const listen = (found) => {
    slider = found;
    slider.on("change:value", step);
    ask(0); // it may have been moved since the kernel told the numbers
  };
  meet();
  if (shown?.slider) model.widget_manager?.get_model(shown.slider).then(listen);
  const hears = {
    "change:numbers": () => meet() && redraw(),
    "change:ahead": () => foreseen() && redraw(),
    "msg:custom": hear,
  };
  return { draw: () => inside?.draw(), hears, end: () => slider?.off("change:value", step) };
}
