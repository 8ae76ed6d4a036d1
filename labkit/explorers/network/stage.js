// The network from the image down to the probabilities: lines lead from the maps that feed the
// number under the pointer. A click opens the arithmetic of a number (`sums.js`).

const SVG = "http://www.w3.org/2000/svg";

class Stage extends Lines {
  look = null; // the place under the pointer, as long as it is there
  trail = []; // the places that led to the one that is open

  constructor(model, element) {
    super();
    Object.assign(this, { model, element });
    element.classList.add("lk-network-stage");
    this.words = model.get("words");
    this.sums = new Sums(make("div", "lk-sums-content"), { open: (to) => this.follow(to), paint: paintMap });
    this.build();
    this.meet();
  }

  get chosen() {
    return this.story.inside(this.model.get("place"));
  }

  get opened() {
    return this.model.get("opened");
  }

  /** The frame that stays: the image, the chosen map, the words; below, the lines or the sums. */
  build() {
    const { words } = this;
    this.image = make("canvas");
    this.imageFrame = make("i");
    this.imageBox = hidden(make("div", "lk-image", this.image, this.imageFrame));
    this.focus = make("canvas");
    this.status = make("p");
    this.status.setAttribute("role", "status");
    this.title = make("h4");
    this.range = make("p", "lk-muted");
    this.toggle = this.button(words.open, () => (this.opened ? this.close() : this.open()));
    this.back = this.button("", () => this.goBack());
    this.focusFrame = make("i");
    this.focusBox = make("div", "lk-focus", this.focus, this.focusFrame);
    this.said = make("div", "lk-said", make("div", "lk-title", this.title, this.toggle), this.status, this.range);
    this.rows = make("div", "lk-rows");
    this.svg = hidden(document.createElementNS(SVG, "svg"));
    this.panel = make("div", "lk-sums", this.back, this.sums.element);
    this.hint = make("p", "lk-muted lk-hint", words.hint);
    this.element.append(make("div", "lk-net", this.rows, this.svg, this.panel));
    chooser(this.focusBox, words["a number"], {
      move: (down, right) => this.moveInMap(down, right),
      enter: () => this.open(),
    });
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.opened) return;
      event.stopPropagation();
      this.close();
    });
    this.element.addEventListener("pointermove", (event) => {
      const elsewhere = this.opened && !this.focusBox.contains(event.target);
      this.hover(elsewhere ? null : this.under(event));
    });
    this.element.addEventListener("pointerleave", () => this.hover(null));
    this.element.addEventListener("mousedown", (event) => {
      if (event.target.closest(".lk-map")) event.preventDefault(); // else the focus moves the map away
    });
    this.element.addEventListener("click", (event) => {
      const place = this.under(event);
      if (place) this.open(place);
    });
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.element);
  }

  button(text, act) {
    const button = make("button", "jupyter-button", text);
    button.type = "button";
    keepKeys([button]);
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      act();
    });
    return button;
  }

  /** Other numbers came: another image, or other weights. */
  meet() {
    this.story = new Story(this.model);
    this.look = null;
    paintColours(this.image, this.story.image, ...this.story.size);
    this.lay();
  }

  // Where one is

  go(place, opened = this.opened) {
    this.look = null;
    this.model.set("place", this.story.inside(place));
    this.model.set("opened", opened);
    this.model.save_changes();
    this.draw();
  }

  hover(place) {
    if (String(place) === String(this.look)) return;
    this.look = place;
    this.draw();
  }

  open(place = this.chosen) {
    const inside = this.element.contains(document.activeElement);
    this.returnTo = inside ? place[0] : null;
    this.trail = [];
    this.go(place, true);
    this.focusBox.focus({ preventScroll: true });
  }

  /** Go on from a number that is open to one that it was made of. */
  follow(place) {
    this.trail.push(this.chosen);
    this.go(place, true);
    this.focusBox.focus({ preventScroll: true });
  }

  goBack() {
    this.go(this.trail.pop(), true);
    this.focusBox.focus({ preventScroll: true });
  }

  close() {
    this.trail = [];
    this.go(this.chosen, false);
    this.rowOf(this.chosen[0])?.focus({ preventScroll: true });
  }

  /** Arrow keys in the large map. */
  moveInMap(down, right) {
    const [number, map, row, column] = this.chosen;
    const line = this.story.lines[number];
    if (line.isVector) return this.go([number, map + down * wrapped(line) + finite(right, line.maps), 0, 0]);
    this.go([number, map, row + down, column + finite(right, line.width)]);
  }

  /** Arrow keys on a line: another map, or another line at the same place of the image. */
  moveInLines(number, down, right) {
    const [, map, row, column] = this.chosen;
    const line = this.story.lines[number];
    if (!down) return this.go([number, map + finite(right, line.maps), row, column]);
    const next = this.story.lines[clamp(number + down, 0, this.story.last)];
    const there = this.story.lines.indexOf(next);
    const same = (at, from, to) => Math.floor(((at + 0.5) / from) * to);
    this.go([there, map, same(row, line.height, next.height), same(column, line.width, next.width)]);
    this.rowOf(there)?.focus({ preventScroll: true });
  }

  rowOf(number) {
    return this.rows.querySelector(`.lk-maps[data-chooses="${number}"]`);
  }

  /** The place under the pointer, or null. */
  under(event) {
    const inside = event.target.closest?.(".lk-map, .lk-focus");
    if (!inside || !this.element.contains(inside)) return null;
    const box = (inside.querySelector("canvas") ?? inside).getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    if (x < 0 || x >= 1 || y < 0 || y >= 1) return null;
    if (inside === this.focusBox) {
      const [number, map] = this.focused;
      const line = this.story.lines[number];
      if (!line.isVector) return [number, map, Math.floor(y * line.height), Math.floor(x * line.width)];
      const columns = wrapped(line);
      const unit = Math.floor(y * Math.ceil(line.maps / columns)) * columns + Math.floor(x * columns);
      return unit < line.maps ? [number, unit, 0, 0] : null;
    }
    const number = Number(inside.dataset.line);
    const line = this.story.lines[number];
    if (inside.dataset.map === undefined) return [number, Math.floor(x * line.maps), 0, 0];
    return [number, Number(inside.dataset.map), Math.floor(y * line.height), Math.floor(x * line.width)];
  }

  // What is drawn

  /** Draw what depends on the place alone. */
  draw() {
    if (!this.shown) return;
    const place = this.look ?? this.chosen;
    if (!this.look && this.mustLay()) return this.lay();
    const { story, opened, words } = this;
    if (opened && !this.element.style.minHeight) this.element.style.minHeight = `${this.element.offsetHeight}px`;
    if (!opened) this.element.style.minHeight = ""; // what is below stays where it is
    this.element.classList.toggle("lk-opened", opened);
    this.title.textContent = story.title(place);
    const seen = story.sees(place) || this.model.get("blind");
    this.status.textContent = `${story.sentence(place)} ${seen}`.trim();
    const line = story.lines[place[0]];
    this.range.textContent = fill(words.range, { low: short(line.low), high: short(line.high) });
    this.toggle.textContent = opened ? words.close : words.open;
    this.back.hidden = !opened || !this.trail.length;
    if (this.trail.length) this.back.textContent = fill(words.back, { layer: story.title(this.trail.at(-1)) });
    this.frameImage(story.seen(place));
    this.enlarge(place);
    for (const maps of this.rows.querySelectorAll(".lk-maps")) this.speak(maps);
    if (opened) this.sums.show(story, place);
    this.connect(place);
    Object.assign(this.element.dataset, { place: place.join(" "), opened, revision: this.model.get("revision") });
  }

  mustLay() {
    const [number, map] = this.chosen;
    const first = this.first.get(number);
    const line = this.story.lines[number];
    return first === undefined || (!line.isVector && (map < first || map >= first + COLUMNS));
  }

  speak(maps) {
    const number = Number(maps.dataset.chooses);
    const place = this.story.inside([number, ...this.chosen.slice(1)]);
    const most = this.story.lines[number].maps - 1;
    stand(maps, place[1], most, `${this.story.title(place)}: ${fixed(this.story.value(place))}`);
  }

  frameImage(seen) {
    const frame = this.imageFrame;
    const { height, width } = this.story.lines[0];
    frame.hidden = !seen || seen[1] <= seen[0] || seen[3] <= seen[2];
    if (frame.hidden) return;
    const [top, bottom, left, right] = seen;
    Object.assign(frame.style, {
      top: `${(100 * top) / height}%`, height: `${(100 * (bottom - top)) / height}%`,
      left: `${(100 * left) / width}%`, width: `${(100 * (right - left)) / width}%`,
    });
  }

  /** The chosen map, large, with the number framed. */
  enlarge(place) {
    const [number, map, row, column] = place;
    const line = this.story.lines[number];
    const columns = wrapped(line);
    const rows = line.isVector ? Math.ceil(line.maps / columns) : line.height;
    const key = `${number} ${line.isVector ? "" : map} ${this.model.get("revision")}`;
    if (this.focused?.key !== key) {
      const values = line.isVector ? [...line.values, ...Array(rows * columns - line.maps).fill(null)] : this.story.plane(number, map);
      paintGrey(this.focus, values, rows, columns, line.low, line.high);
      this.focused = Object.assign([number, map], { key });
      const scale = 120 / Math.max(rows, columns);
      Object.assign(this.focusBox.style, { width: `${columns * scale}px`, height: `${rows * scale}px` });
    }
    const [y, x] = line.isVector ? [Math.floor(map / columns), map % columns] : [row, column];
    Object.assign(this.focusFrame.style, {
      top: `${(100 * y) / rows}%`, height: `${100 / rows}%`, left: `${(100 * x) / columns}%`, width: `${100 / columns}%`,
    });
    const text = `${this.story.title(place)}: ${fixed(this.story.value(place))}`;
    stand(this.focusBox, row * line.width + column, line.height * line.width - 1, text);
  }

  /** Lines from what feeds the number, and frames around it and the windows it takes. */
  connect(place) {
    this.svg.replaceChildren();
    const outer = this.svg.getBoundingClientRect();
    const add = (name, attributes) => {
      const part = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
      this.svg.append(part);
    };
    const framed = (box, name) =>
      add("rect", { x: box.x, y: box.y, width: box.width, height: box.height, class: name });
    const here = this.box(place[0], place[1], outer);
    if (here) framed(grown(here, 2), "lk-frame");
    if (this.opened || !here) return;
    const feeders = this.story.feeders(place).map((one) => ({ ...one, box: this.box(one.line, one.map, outer) }));
    const most = Math.max(...feeders.map(({ adds }) => Math.abs(adds ?? 0))) || 1;
    for (const { line, adds, box } of feeders) {
      if (!box) continue;
      const strength = Math.abs(adds ?? 0) / most;
      const [x, y, toX, toY] = [box.x + box.width / 2, box.y + box.height, here.x + here.width / 2, here.y - 2];
      const bend = Math.max(8, (toY - y) * 0.6);
      const kind = adds === null ? "lk-any" : adds < 0 ? "lk-less" : "lk-more";
      const d = `M ${x} ${y} C ${x} ${y + bend}, ${toX} ${toY - bend}, ${toX} ${toY}`;
      add("path", { d, class: `lk-link ${kind}`, "stroke-width": 0.8 + 3.2 * strength });
      const source = this.story.lines[line];
      if (!source.isVector) framed(part(box, source, this.story.window(place)), "lk-window");
    }
  }

  /** Where a map or unit is drawn, within the lines; null if it is not. */
  box(number, map, outer) {
    const exact = this.rows.querySelector(`.lk-map[data-line="${number}"][data-map="${map}"]`);
    const strip = this.rows.querySelector(`.lk-strip[data-line="${number}"]`);
    const found = exact ?? strip;
    if (!found?.getClientRects().length) return null;
    const { x, y, width, height } = found.getBoundingClientRect();
    const box = { x: x - outer.x, y: y - outer.y, width, height };
    if (exact) return box;
    const unit = width / this.story.lines[number].maps;
    return { ...box, x: box.x + map * unit, width: unit };
  }
}

const finite = (step, count) => (Number.isFinite(step) ? step : step > 0 ? count : -count);
const grown = ({ x, y, width, height }, by) => ({ x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by });

/** The part of a map's box that is under a window. */
function part(box, { height, width }, window) {
  const [[top, bottom], [left, right]] = window.map(extent);
  const [wide, high] = [box.width / width, box.height / height];
  return { x: box.x + left * wide, y: box.y + top * high, width: (right - left) * wide, height: (bottom - top) * high };
}

function render({ model, el }) {
  const stage = new Stage(model, el);
  const meet = () => stage.meet();
  const move = () => stage.draw();
  const hear = ({ filter: [number, map] }, [numbers]) => {
    stage.story.keep(number, map, unpacked(numbers, Float32Array));
    stage.draw();
  };
  model.on("change:revision", meet);
  model.on("change:place change:opened", move);
  model.on("msg:custom", hear);
  return () => {
    stage.observer.disconnect();
    model.off("change:revision", meet);
    model.off("change:place change:opened", move);
    model.off("msg:custom", hear);
  };
}

export default { render };
