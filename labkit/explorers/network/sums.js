// The arithmetic of one number: what goes in, the weights, the products, their sum, the activation.

/** A grid of more columns than this is shown in colour alone. */
const READABLE = 7;
const LISTED = 16;

class Sums {
  channel = 0;
  cell = 0;

  /** `open` goes on to another place; `paint` draws a map on a canvas. */
  constructor(element, { open, paint }) {
    Object.assign(this, { element, open, paint });
  }

  show(story, place) {
    const same = this.place?.[0] === place[0];
    Object.assign(this, { story, place, line: story.lines[place[0]], parts: story.parts(place) });
    if (!same) this.begin();
    this.draw();
  }

  /** Begin with what adds or takes most. */
  begin() {
    const { channels, winner } = this.parts ?? {};
    const largest = (values) => values.reduce((best, value, i) => (Math.abs(value) > Math.abs(values[best]) ? i : best), 0);
    this.channel = channels ? largest(channels.map(({ sum }) => sum)) : 0;
    const inWindow = channels?.[this.channel].products.length > 1;
    this.cell = inWindow ? largest(channels[this.channel].products) : (winner ?? 0);
  }

  /** Draw all again; what had the focus keeps it. */
  draw() {
    const focused = document.activeElement?.dataset.part;
    const held = focused && this.element.contains(document.activeElement);
    this.element.replaceChildren(...this.content());
    if (held) this.element.querySelector(`[data-part="${focused}"]`)?.focus();
  }

  content() {
    const { line, parts, story } = this;
    const { words } = story;
    if (!parts) return [make("p", "", words.waiting)];
    const [rows, columns] = story.window(this.place);
    if (line.kind === "products") {
      const body = make("div", "lk-sums-body");
      if (rows.length * columns.length > 1) body.append(this.channelList(), this.products(rows, columns));
      else body.append(this.terms());
      const bias = parts.bias === null ? [] : ["+", chip(words.bias, fixed(parts.bias))];
      return [body, this.chain(chip(words.sum, fixed(parts.sum)), ...bias)];
    }
    if (line.kind === "largest" || line.kind === "mean") return this.pooled(rows, columns);
    if (line.kind === "softmax") return [this.powers()];
    return [this.chips()];
  }

  /** The line of all sums: products + bias = before the activation -> what goes on. */
  chain(...pieces) {
    const { line, parts } = this;
    const { words } = this.story;
    const chain = make("p", "lk-chain", ...pieces);
    if (line.activations.length)
      chain.append("=", chip(words.before, fixed(parts.before)), "→", make("b", "", line.activations.join(", ")), "→");
    else chain.append("=");
    const value = line.kind === "softmax" ? percent(parts.value) : fixed(parts.value);
    const result = chip(this.story.title(this.place), value);
    result.classList.add("lk-result");
    chain.append(result);
    return chain;
  }

  /** The maps that go in, each with the window and what it adds. */
  channelList() {
    const { story, parts, line } = this;
    const { channels } = parts;
    const list = make("div", "lk-channels");
    const first = firstShown(this.channel, channels.length, LISTED);
    const source = line.sources[0];
    channels.slice(first, first + LISTED).forEach((channel, i) => {
      const name = make("span", "", story.name(source, channel.map));
      const item = make("div", "lk-channel", this.thumb(source, channel.map), name, make("b", "", fixed(channel.sum)));
      item.classList.toggle("lk-here", first + i === this.channel);
      item.addEventListener("click", () => this.choose(first + i));
      list.append(item);
    });
    list.dataset.part = "channels";
    const move = (down, right) => this.choose(clamp(this.channel + (down || right), 0, channels.length - 1));
    chooser(list, story.words.channels, { move });
    const { map, sum } = channels[this.channel];
    const values = { name: story.name(source, map), sum: fixed(sum) };
    stand(list, this.channel, channels.length - 1, fill(story.words["channel adds"], values));
    const title = fill(story.words["sum of each"], { layer: story.lines[source].name });
    return make("div", "lk-channel-box", make("h4", "", title), list);
  }

  choose(channel) {
    this.channel = channel;
    this.draw();
  }

  /** A small map with the window on it. */
  thumb(number, map) {
    const canvas = make("canvas");
    this.paint(canvas, this.story, number, map);
    const { height, width } = this.story.lines[number];
    const [[top, bottom], [left, right]] = this.story.window(this.place).map(extent);
    const frame = make("i");
    Object.assign(frame.style, {
      top: `${(100 * top) / height}%`, height: `${(100 * (bottom - top)) / height}%`,
      left: `${(100 * left) / width}%`, width: `${(100 * (right - left)) / width}%`,
    });
    return hidden(make("span", "lk-thumb", canvas, frame));
  }

  /** Numbers x weights = products of one map that goes in. */
  products(rows, columns) {
    const { story, line, parts } = this;
    const { words } = story;
    const [source] = line.sources;
    const { map, values, weights, products } = parts.channels[this.channel];
    const level = grey(story.lines[source]);
    const numbers = this.grid(fill(words.numbers, { name: story.name(source, map) }), values, columns.length, level);
    const kernel = this.grid(words.weights, [...weights], columns.length, signed([...weights]));
    const result = this.grid(words.products, products, columns.length, signed(products));
    const grids = make("div", "lk-grids", numbers, "×", kernel, "=", result);
    const say = (i) => `${fixed(values[i])} × ${fixed(weights[i])} = ${fixed(products[i])}`;
    return this.pickable(grids, words.products, rows, columns, source, () => map, say);
  }

  /** A figure: a title above a grid of numbers, as wide as they need. */
  grid(title, values, columns, style, largest = 40) {
    const grid = make("div", "lk-grid");
    const tight = columns > READABLE;
    const cell = tight ? 160 / columns : clamp(150 / columns, 27, largest);
    grid.style.gridTemplateColumns = `repeat(${columns}, ${cell}px)`;
    grid.style.gridAutoRows = `${cell}px`;
    values.forEach((value, i) => {
      const { fill: background, colour = INK } = style(value, i);
      const square = make("span", "", tight ? "" : short(value, Math.abs(value) < 10 ? 2 : 1));
      square.style.color = colour;
      square.style.background = `linear-gradient(${background}, ${background}), #fff`;
      grid.append(square);
    });
    grid.classList.toggle("lk-tight", tight);
    return make("figure", "", make("figcaption", "", title), grid);
  }

  /** Let one product of the grids be chosen, and the number that goes into it be opened. */
  pickable(grids, label, rows, columns, source, map, say) {
    const { words } = this.story;
    const count = rows.length * columns.length;
    this.cell = clamp(this.cell, 0, count - 1);
    const where = (i) => [rows[Math.floor(i / columns.length)], columns[i % columns.length]];
    const reading = make("p", "lk-reading");
    const point = (i) => {
      for (const grid of grids.querySelectorAll(".lk-grid")) {
        grid.querySelector(".lk-here")?.classList.remove("lk-here");
        grid.children[i].classList.add("lk-here");
      }
      const [row, column] = where(i);
      const inside = row >= 0 && column >= 0;
      const place = fill(inside ? words.place : words.padding, { row, column });
      reading.textContent = `${place}: ${say(i)}`;
      stand(grids, i, count - 1, reading.textContent);
    };
    const go = (i) => {
      const [row, column] = where(i);
      if (row >= 0 && column >= 0) this.open([source, map(), row, column]);
    };
    const indexOf = (event) => {
      const cell = event.target.closest(".lk-grid > span");
      return cell ? [...cell.parentElement.children].indexOf(cell) : -1;
    };
    grids.addEventListener("pointermove", (event) => indexOf(event) >= 0 && point(indexOf(event)));
    grids.addEventListener("pointerleave", () => point(this.cell));
    grids.addEventListener("click", (event) => indexOf(event) >= 0 && go(indexOf(event)));
    const move = (down, right) => {
      const step = Number.isFinite(right) ? right : right > 0 ? count : -count;
      this.cell = clamp(this.cell + down * columns.length + step, 0, count - 1);
      point(this.cell);
    };
    grids.dataset.part = "grids";
    chooser(grids, label, { move, enter: () => go(this.cell) });
    point(this.cell);
    return make("div", "", grids, reading, make("p", "lk-muted", words["go back"]));
  }

  /** A long sum of single products: the largest one by one, the others together. */
  terms() {
    const { story, line, parts } = this;
    const [source] = line.sources;
    const sorted = [...parts.channels].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
    const window = story.window(this.place);
    const rows = sorted.slice(0, TERMS).map(({ map, values, weights, sum }) => ({
      cells: [story.name(source, map), fixed(values[0]), "×", fixed(weights[0]), "=", fixed(sum)],
      adds: sum,
      at: window.some(([n]) => n < 0) ? null : [source, map, window[0][0], window[1][0]],
    }));
    const rest = sorted.slice(TERMS);
    const others = { n: rest.length, sum: fixed(total(rest.map(({ sum }) => sum))) };
    const { words } = story;
    const heads = [story.lines[source].name, words.number, "", words.weight, "", words.product];
    const note = rest.length ? fill(words.others, others) : "";
    return make("div", "", this.table(heads, rows), make("p", "lk-muted", `${note} ${words["go back"]}`));
  }

  /** A list of terms, one of which can be opened. */
  table(heads, rows) {
    const table = make("div", "lk-terms");
    table.style.gridTemplateColumns = `repeat(${heads.length}, auto) minmax(60px, 1fr)`;
    table.append(...[...heads, ""].map((head) => make("span", "lk-muted", head)));
    const most = Math.max(...rows.map(({ adds }) => Math.abs(adds))) || 1;
    const onlyAdds = rows.every(({ adds }) => adds >= 0);
    this.cell = clamp(this.cell, 0, rows.length - 1);
    const lines = rows.map(({ cells, adds, at }, i) => {
      const line = make("div", "lk-term", ...cells.map((cell) => make("span", "", cell)), bar(adds, most, onlyAdds));
      line.addEventListener("click", () => at && this.open(at));
      line.addEventListener("pointerenter", () => point(i));
      return line;
    });
    const point = (i) => {
      lines.forEach((line, n) => line.classList.toggle("lk-here", n === i));
      this.cell = i;
      stand(table, i, rows.length - 1, rows[i].cells.join(" "));
    };
    table.append(...lines);
    table.dataset.part = "terms";
    const move = (down, right) => point(clamp(this.cell + (down || right), 0, rows.length - 1));
    const enter = () => rows[this.cell].at && this.open(rows[this.cell].at);
    chooser(table, this.story.words.products, { move, enter });
    point(this.cell);
    return table;
  }

  pooled(rows, columns) {
    const { story, line, parts } = this;
    const { words } = story;
    const [source] = line.sources;
    const map = this.place[1];
    const level = grey(story.lines[source]);
    const isMax = line.kind === "largest";
    const faded = { fill: "#f2f2f2", colour: "#767676" };
    const style = (value, i) => (isMax && i !== parts.winner ? faded : level(value));
    const title = fill(words.numbers, { name: story.name(source, map) });
    const figure = this.grid(title, parts.values, columns.length, style, 64);
    if (isMax) figure.querySelector(".lk-grid").children[parts.winner]?.classList.add("lk-winner");
    const grids = make("div", "lk-grids", figure);
    const say = (i) => fixed(parts.values[i]) + (isMax && i === parts.winner ? ` ★ ${words.largest}` : "");
    const body = make("div", "lk-sums-body", make("div", "lk-channel-box", this.thumb(source, map)));
    body.append(this.pickable(grids, title, rows, columns, source, () => map, say));
    if (isMax) return [body, this.chain(chip(words.largest, fixed(parts.before)))];
    return [body, this.chain(chip(words.sum, fixed(parts.sum)), "÷", chip(words.count, parts.count))];
  }

  /** Softmax: e to the power of each logit, as a share of them all. */
  powers() {
    const { story, line, parts } = this;
    const { words } = story;
    const [source] = line.sources;
    const map = this.place[1];
    const order = [...parts.powers.keys()].sort((a, b) => parts.powers[b] - parts.powers[a]);
    const rows = order.slice(0, TERMS).map((n) => ({
      cells: [
        story.name(source, n), fixed(story.value([source, n, 0, 0])), "→", plain(parts.powers[n]),
        percent(parts.powers[n] / parts.sum),
      ],
      adds: parts.powers[n],
      at: [source, n, 0, 0],
    }));
    const table = this.table([story.lines[source].name, words.logit, "", words.power, words.share], rows);
    const pieces = [chip(words.power, plain(parts.powers[map])), "÷", chip(words["all powers"], plain(parts.sum))];
    return make("div", "", table, make("p", "lk-muted", words["go back"]), this.chain(...pieces));
  }

  /** Numbers of other lines as buttons, and what is done with them. */
  chips() {
    const { line, parts, story } = this;
    const { words } = story;
    const [, map, row, column] = this.place;
    const button = (source, value) => {
      const one = chip(story.lines[source].name, fixed(value), "button");
      one.type = "button";
      keepKeys([one]);
      one.addEventListener("click", () => this.open([source, map, row, column]));
      return one;
    };
    const named = (name) => chip(words[name], fixed(parts[name]));
    if (line.kind === "scaled") {
      const input = button(line.sources[0], parts.input);
      const rest = [named("mean"), ") ÷", named("deviation"), "×", named("scale"), "+", named("shift")];
      return this.chain("(", input, "−", ...rest);
    }
    if (parts.inputs)
      return this.chain(...parts.inputs.flatMap((value, n) => [n ? "+" : "", button(line.sources[n], value)]));
    return make("p", "lk-muted", words[line.kind === "input" ? "begins here" : "not known"]);
  }
}

/** Numbers in the greys of their map. */
const grey = ({ low, high }) => (value) => shade(Math.round((255 * (value - low)) / (high - low)));

/** The first place inside of a window's rows or columns, and the one after the last. */
function extent(places) {
  const inside = places.filter((place) => place >= 0);
  return inside.length ? [Math.min(...inside), Math.max(...inside) + 1] : [0, 0];
}

/** The first of `room` things shown out of `count`, so that the chosen one is among them. */
const firstShown = (chosen, count, room) => clamp(chosen - Math.floor(room / 2), 0, Math.max(0, count - room));
