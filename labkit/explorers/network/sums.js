// The arithmetic of one number: what goes in, the weights, the products, their sum, the activation.

const LISTED = 16; // so many maps that go in are listed at once

const chip = (name, value, tag = "span") =>
  make(tag, "lk-chip", make("small", "", name), make("b", "", String(value)));

/** A bar from the middle: to the right what adds, to the left, hatched, what takes away. */
function barOf(value, most, onlyAdds) {
  const part = make("i");
  part.style.width = `${((onlyAdds ? 100 : 50) * Math.abs(value)) / most}%`;
  return make("span", `lk-bar ${value < 0 ? "lk-less" : onlyAdds ? "lk-alone" : ""}`, part);
}

/** Numbers in the greys of their map. */
const grey = ({ low, high }) => (value) => shade(Math.round((255 * (value - low)) / (high - low)));

/** The first place inside of a window's rows or columns, and the one after the last. */
function extent(places) {
  const inside = places.filter((place) => place >= 0);
  return inside.length ? [Math.min(...inside), Math.max(...inside) + 1] : [0, 0];
}

/** A title above a grid of numbers, as wide as they need. */
function figure(title, values, columns, style, largest = 40) {
  const grid = new NumberGrid();
  const cell = columns > READABLE ? 160 / columns : clamp(150 / columns, 27, largest);
  grid.show(values, columns, style, cell);
  return make("figure", "", make("figcaption", "", title), grid.element);
}

class Sums {
  channel = 0;
  cell = 0;

  /** `open` goes on to another place. */
  constructor(element, open) {
    Object.assign(this, { element, open });
  }

  show(story, place) {
    const same = this.place?.[0] === place[0];
    const line = story.lines[place[0]];
    const [source, parts] = [line.sources[0], story.parts(place)];
    Object.assign(this, { story, place, line, words: story.words, source, parts });
    if (!same) this.begin();
    this.draw();
  }

  /** Begin with what adds or takes most. */
  begin() {
    const { channels, winner } = this.parts ?? {};
    const largest = (values) =>
      values.reduce((best, value, i) => (Math.abs(value) > Math.abs(values[best]) ? i : best), 0);
    this.channel = channels ? largest(channels.map(({ sum }) => sum)) : 0;
    const inWindow = channels?.[this.channel].products.length > 1;
    this.cell = inWindow ? largest(channels[this.channel].products) : (winner ?? 0);
  }

  /** Draw all again; what had the focus keeps it. */
  draw() {
    const held =
      this.element.contains(document.activeElement) ? document.activeElement.dataset.part : null;
    this.element.replaceChildren(...this.content());
    if (held) this.element.querySelector(`[data-part="${held}"]`)?.focus();
  }

  content() {
    const { line, parts, words } = this;
    if (!parts) return [make("p", "", words.waiting)];
    const [rows, columns] = this.story.window(this.place);
    if (line.kind === "products") {
      const wide = rows.length * columns.length > 1;
      const inner = wide ? [this.channelList(), this.products(rows, columns)] : [this.terms()];
      const bias = parts.bias === null ? [] : ["+", chip(words.bias, fixed(parts.bias))];
      const body = make("div", "lk-sums-body", ...inner);
      return [body, this.chain(chip(words.sum, fixed(parts.sum)), ...bias)];
    }
    if (line.kind === "largest" || line.kind === "mean") return this.pooled(rows, columns);
    return [line.kind === "softmax" ? this.powers() : this.chips()];
  }

  /** The line of all sums: products + bias = before the activation -> what goes on. */
  chain(...pieces) {
    const { line, parts, words } = this;
    const before = chip(words.before, fixed(parts.before ?? 0));
    const after = ["=", before, "→", make("b", "", line.activations.join(", ")), "→"];
    const value = line.kind === "softmax" ? percent(parts.value) : fixed(parts.value);
    const result = chip(this.story.title(this.place), value);
    result.classList.add("lk-result");
    return make("p", "lk-chain", ...pieces, ...(line.activations.length ? after : ["="]), result);
  }

  /** Let one of `count` things be chosen by keys: `point(i)` marks it and says it. */
  choosing(element, part, label, count, { point, step, enter }) {
    const go = (to) => {
      this.cell = clamp(to, 0, count - 1);
      point(this.cell);
    };
    const move = (down, right) =>
      go(Number.isFinite(right) ? this.cell + down * step + right : right > 0 ? count : 0);
    element.dataset.part = part;
    chooser(element, label, { move, enter: () => enter(this.cell) });
    go(this.cell);
  }

  /** The maps that go in, each with the window and what it adds. */
  channelList() {
    const { story, source, words, parts } = this;
    const { channels } = parts;
    const first = firstShown(this.channel, channels.length, LISTED);
    const items = channels.slice(first, first + LISTED).map((channel, i) => {
      const name = make("span", "", story.name(source, channel.map));
      const sum = make("b", "", fixed(channel.sum));
      const item = make("div", "lk-channel", this.thumb(channel.map), name, sum);
      item.classList.toggle("lk-here", first + i === this.channel);
      item.addEventListener("click", () => choose(first + i));
      return item;
    });
    const choose = (channel) => {
      this.channel = clamp(channel, 0, channels.length - 1);
      this.draw();
    };
    const list = make("div", "lk-channels", ...items);
    list.dataset.part = "channels";
    const move = (down, right) => choose(this.channel + (down || right));
    chooser(list, words.channels, { move });
    const { map, sum } = channels[this.channel];
    const said = fill(words["channel adds"], { name: story.name(source, map), sum: fixed(sum) });
    stand(list, this.channel, channels.length - 1, said);
    const title = fill(words["sum of each"], { layer: story.lines[source].name });
    return make("div", "lk-channel-box", make("h4", "", title), list);
  }

  /** A small map of the source with the window on it. */
  thumb(map) {
    const { height, width, low, high } = this.story.lines[this.source];
    const [shown, frame] = [make("div", "lk-pixels"), make("i")];
    pixels(shown, paintGrey, this.story.plane(this.source, map), height, width, low, high);
    frameOn(frame, this.story.window(this.place).flatMap(extent), height, width);
    return hidden(make("span", "lk-thumb lk-framed-map", shown, frame));
  }

  /** Numbers x weights = products of one map that goes in. */
  products(rows, columns) {
    const { story, words, source } = this;
    const { map, values, weights, products } = this.parts.channels[this.channel];
    const width = columns.length;
    const title = fill(words.numbers, { name: story.name(source, map) });
    const numbers = figure(title, values, width, grey(story.lines[source]));
    const kernel = figure(words.weights, [...weights], width, signed([...weights]));
    const result = figure(words.products, products, width, signed(products));
    const grids = make("div", "lk-grids", numbers, "×", kernel, "=", result);
    const say = (i) => `${fixed(values[i])} × ${fixed(weights[i])} = ${fixed(products[i])}`;
    return this.pickable(grids, words.products, rows, columns, map, say);
  }

  /** Let one product of the grids be chosen, and the number that goes into it be opened. */
  pickable(grids, label, rows, columns, map, say) {
    const { words } = this;
    const where = (i) => [rows[Math.floor(i / columns.length)], columns[i % columns.length]];
    const reading = make("p");
    const count = rows.length * columns.length;
    const point = (i) => {
      for (const grid of grids.querySelectorAll(".lk-grid")) {
        grid.querySelector(".lk-here")?.classList.remove("lk-here");
        grid.children[i].classList.add("lk-here");
      }
      const [row, column] = where(i);
      const place = fill(row >= 0 && column >= 0 ? words.place : words.padding, { row, column });
      reading.textContent = `${place}: ${say(i)}`;
      stand(grids, i, count - 1, reading.textContent);
    };
    const enter = (i) => {
      const [row, column] = where(i);
      if (row >= 0 && column >= 0) this.open([this.source, map, row, column]);
    };
    const over = (act) => (event) => {
      const cell = event.target.closest(".lk-grid > span");
      if (cell) act([...cell.parentElement.children].indexOf(cell));
    };
    this.choosing(grids, "grids", label, count, { point, step: columns.length, enter });
    grids.addEventListener("pointermove", over(point));
    grids.addEventListener("pointerleave", () => point(this.cell));
    grids.addEventListener("click", over(enter));
    return make("div", "", grids, reading, make("p", "lk-muted", words["go back"]));
  }

  /** A long sum of single products: the largest one by one, the others together. */
  terms() {
    const { story, words, source } = this;
    const sorted = [...this.parts.channels].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
    const [[row], [column]] = story.window(this.place);
    const lines = sorted.slice(0, TERMS).map(({ map, values, weights, sum }) => ({
      cells: [story.name(source, map), fixed(values[0]), "×", fixed(weights[0]), "=", fixed(sum)],
      adds: sum,
      at: row < 0 || column < 0 ? null : [source, map, row, column],
    }));
    const rest = sorted.slice(TERMS).map(({ sum }) => sum);
    const note = rest.length ? fill(words.others, { n: rest.length, sum: fixed(total(rest)) }) : "";
    const heads = [story.lines[source].name, words.number, "", words.weight, "", words.product];
    return this.table(heads, lines, note);
  }

  /** A list of terms, one of which can be opened. */
  table(heads, rows, note) {
    const { words } = this;
    const most = Math.max(...rows.map(({ adds }) => Math.abs(adds))) || 1;
    const onlyAdds = rows.every(({ adds }) => adds >= 0);
    const lines = rows.map(({ cells, adds, at }, i) => {
      const bar = barOf(adds, most, onlyAdds);
      const line = make("div", "lk-term", ...cells.map((cell) => make("span", "", cell)), bar);
      line.addEventListener("click", () => at && this.open(at));
      line.addEventListener("pointerenter", () => point((this.cell = i)));
      return line;
    });
    const point = (i) => {
      lines.forEach((line, n) => line.classList.toggle("lk-here", n === i));
      stand(table, i, rows.length - 1, rows[i].cells.join(" "));
    };
    const columns = [...heads, ""].map((head) => make("span", "lk-muted", head));
    const table = make("div", "lk-terms", ...columns, ...lines);
    table.style.gridTemplateColumns = `repeat(${heads.length}, auto) minmax(60px, 1fr)`;
    const enter = (i) => rows[i].at && this.open(rows[i].at);
    this.choosing(table, "terms", words.products, rows.length, { point, step: 1, enter });
    return make("div", "", table, make("p", "lk-muted", `${note} ${words["go back"]}`.trim()));
  }

  pooled(rows, columns) {
    const { story, line, parts, words, source } = this;
    const map = this.place[1];
    const level = grey(story.lines[source]);
    const isMax = line.kind === "largest";
    const faded = { fill: "#f2f2f2", colour: "#666666" };
    const style = (value, i) =>
      (isMax && i !== parts.winner ? faded : { ...level(value), mark: isMax });
    const title = fill(words.numbers, { name: story.name(source, map) });
    const grids = make("div", "lk-grids", figure(title, parts.values, columns.length, style, 64));
    const say = (i) =>
      fixed(parts.values[i]) + (isMax && i === parts.winner ? ` ★ ${words.largest}` : "");
    const shown = make("div", "lk-channel-box", this.thumb(map));
    const body =
      make("div", "lk-sums-body", shown, this.pickable(grids, title, rows, columns, map, say));
    if (isMax) return [body, this.chain(chip(words.largest, fixed(parts.before)))];
    const mean = ["÷", chip(words.count, parts.count)];
    return [body, this.chain(chip(words.sum, fixed(parts.sum)), ...mean)];
  }

  /** Softmax: e to the power of each logit, as a share of them all. */
  powers() {
    const { story, parts, words, source } = this;
    const order = [...parts.powers.keys()].sort((a, b) => parts.powers[b] - parts.powers[a]);
    const rows = order.slice(0, TERMS).map((n) => {
      const at = [source, n, 0, 0];
      const power = parts.powers[n];
      const shown = [story.name(source, n), fixed(story.value(at)), "→", plain(power)];
      const cells = [...shown, percent(power / parts.sum)];
      return { cells, adds: power, at };
    });
    const heads = [story.lines[source].name, words.logit, "", words.power, words.share];
    const power = chip(words.power, plain(parts.powers[this.place[1]]));
    const chain = this.chain(power, "÷", chip(words["all powers"], plain(parts.sum)));
    return make("div", "", this.table(heads, rows, ""), chain);
  }

  /** Numbers of other lines as buttons, and what is done with them. */
  chips() {
    const { line, parts, story, words } = this;
    const [, map, row, column] = this.place;
    const number = (source, value) => {
      const one = chip(story.lines[source].name, fixed(value), "button");
      one.type = "button";
      keepKeys([one]);
      one.addEventListener("click", () => this.open([source, map, row, column]));
      return one;
    };
    if (line.kind === "scaled") {
      const named = (name) => chip(words[name], fixed(parts[name]));
      const rest =
        [named("mean"), ") ÷", named("deviation"), "×", named("scale"), "+", named("shift")];
      return this.chain("(", number(this.source, parts.input), "−", ...rest);
    }
    if (parts.inputs)
      return this.chain(
        ...parts.inputs.flatMap((value, n) => [n ? "+" : "", number(line.sources[n], value)]),
      );
    return make("p", "lk-muted", words[line.kind === "input" ? "begins here" : "not known"]);
  }
}
