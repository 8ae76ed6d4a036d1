// What Python told of a network (`compute.py`), and the arithmetic of one of its numbers.
// A place is [line, map, row, column]; of a vector, a map is one number.

/** How many terms of a long sum are told one by one. */
const TERMS = 12;

class Story {
  constructor(model) {
    const get = (name) => model.get(name);
    this.words = get("words");
    this.classes = get("classes");
    this.weights = unpacked(get("weights"), Float32Array);
    this.image = unpacked(get("image"), Uint8Array);
    this.size = get("size");
    const numbers = unpacked(get("maps"), Float32Array);
    let start = 0;
    this.lines = get("plan").map((told) => {
      const [maps, height, width] = told.shape;
      const values = numbers.subarray(start, (start += maps * height * width));
      let [low, high] = [0, -Infinity];
      for (const value of values) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
      const isVector = height * width === 1;
      return { ...told, maps, height, width, values, low, high: high > low ? high : low + 1, isVector };
    });
    this.asked = new Map(); // filters that were too many to come with the others
    this.ask = (line, map) => model.send?.({ filter: [line, map] });
  }

  get last() {
    return this.lines.length - 1;
  }

  /** The same place, moved to where there is such a number. */
  inside([number, map, row, column]) {
    const at = clamp(number, 0, this.last);
    const line = this.lines[at];
    const most = [line.maps, line.height, line.width];
    return [at, ...[map, row, column].map((part, i) => clamp(part, 0, most[i] - 1))];
  }

  value([number, map, row, column]) {
    const line = this.lines[number];
    return line.values[(map * line.height + row) * line.width + column];
  }

  plane(number, map) {
    const { height, width, values } = this.lines[number];
    return values.subarray(map * height * width, (map + 1) * height * width);
  }

  /** The names of a line's maps or units, as far as they have any. */
  names(number) {
    const { words, lines } = this;
    const { maps } = lines[number];
    const answers = lines[this.last].kind === "softmax";
    const isLast = number === this.last || (answers && number === lines[this.last].sources[0]);
    if (number === 0 && maps === 3) return words.colours;
    if (isLast && this.classes.length === maps) return this.classes;
    return null;
  }

  /** "map 5", "unit 17", "cat" */
  name(number, map) {
    const { words, lines } = this;
    const named = this.names(number);
    if (named) return named[map];
    return fill(lines[number].isVector ? words.unit : words.map, { n: map });
  }

  /** "conv2, map 5, row 3, column 4" */
  title(place) {
    const [number, map, row, column] = place;
    const line = this.lines[number];
    const values = { layer: line.name, map: this.name(number, map), row, column };
    return fill(line.isVector ? this.words["at unit"] : this.words["at place"], values);
  }

  /** The rows and columns of the source under the window of a place; -1 is the padding. */
  window([number, , row, column]) {
    const { rows, columns, kind, sources } = this.lines[number];
    if (rows) return [rows[rows.length > 1 ? row : 0], columns[columns.length > 1 ? column : 0]];
    if (kind === "softmax" || !sources.length) return [[0], [0]];
    return [[row], [column]];
  }

  /** The numbers of a map under a window; the padding is 0. */
  under(number, map, [rows, columns]) {
    const { width } = this.lines[number];
    const plane = this.plane(number, map);
    return rows.flatMap((row) =>
      columns.map((column) => (row < 0 || column < 0 ? 0 : plane[row * width + column])),
    );
  }

  /** The weights of a map, those of each input after the other, and its bias; null if not here. */
  filter(number, map) {
    const { inputs, rows, columns, filters, biases } = this.lines[number];
    const size = inputs * rows[0].length * columns[0].length;
    if (filters !== null)
      return {
        weights: this.weights.subarray(filters + map * size, filters + (map + 1) * size),
        bias: biases === null ? null : this.weights[biases + map],
      };
    const found = this.asked.get(`${number} ${map}`);
    if (found === undefined) {
      this.asked.set(`${number} ${map}`, null);
      this.ask(number, map);
    }
    return found ?? null;
  }

  /** Keep a filter that Python sent when asked: its weights, and its bias behind them if it has one. */
  keep(number, map, numbers) {
    const { inputs, rows, columns } = this.lines[number];
    const size = inputs * rows[0].length * columns[0].length;
    const bias = numbers.length > size ? numbers[size] : null;
    this.asked.set(`${number} ${map}`, { weights: numbers.subarray(0, size), bias });
  }

  /** What each map of the source adds to a number: {map, values, weights, products, sum}. */
  channels(place) {
    const [number, map] = place;
    const { sources, inputs, groups, maps } = this.lines[number];
    const filter = this.filter(number, map);
    if (!filter) return null;
    const window = this.window(place);
    const size = window[0].length * window[1].length;
    const first = Math.floor(map / (maps / groups)) * inputs;
    return [...Array(inputs).keys()].map((n) => {
      const values = this.under(sources[0], first + n, window);
      const weights = filter.weights.subarray(n * size, (n + 1) * size);
      const products = values.map((value, i) => value * weights[i]);
      return { map: first + n, values, weights, products, sum: total(products) };
    });
  }

  /** All that a number is made of: what is before the activations, and the parts of it. */
  parts(place) {
    const [number, map, row, column] = place;
    const line = this.lines[number];
    const [source] = line.sources;
    const value = this.value(place);
    const window = this.window(place);
    if (line.kind === "products") {
      const channels = this.channels(place);
      if (!channels) return null;
      const { bias } = this.filter(number, map);
      const sum = total(channels.map((channel) => channel.sum));
      return { channels, sum, bias, before: sum + (bias ?? 0), value };
    }
    if (line.kind === "largest" || line.kind === "mean") {
      const values = this.under(source, map, window);
      const sum = total(values);
      const count = line.divisor ?? values.length;
      const before = line.kind === "mean" ? sum / count : Math.max(...values);
      return { values, sum, count, before, value, winner: values.indexOf(before) };
    }
    if (line.kind === "scaled") {
      const input = this.value([source, map, row, column]);
      const [mean, deviation, scale, shift] = line.scales[map];
      const before = ((input - mean) / deviation) * scale + shift;
      return { input, mean, deviation, scale, shift, before, value };
    }
    if (line.kind === "softmax") {
      const powers = Array.from(this.lines[source].values, Math.exp);
      const sum = total(powers);
      return { logit: this.value([source, map, 0, 0]), powers, sum, before: powers[map] / sum, value };
    }
    if (line.kind === "sum" || line.kind === "activation") {
      const inputs = line.sources.map((from) => this.value([from, map, row, column]));
      return { inputs, before: total(inputs), value };
    }
    return { value };
  }

  /** Which maps feed a number, and how much each adds: [{line, map, adds}]; adds is null if unknown. */
  feeders(place) {
    const [number, map] = place;
    const line = this.lines[number];
    const [source] = line.sources;
    const parts = this.parts(place);
    if (line.kind === "input" || source === undefined) return [];
    if (line.kind === "products" && parts) {
      const all = parts.channels.map((one) => ({ line: source, map: one.map, adds: one.sum }));
      if (!this.lines[source].isVector) return all;
      return all.sort((a, b) => Math.abs(b.adds) - Math.abs(a.adds)).slice(0, 2 * TERMS);
    }
    if (line.kind === "softmax")
      return parts.powers.map((power, n) => ({ line: source, map: n, adds: n === map ? power : -power }));
    if (line.kind === "sum")
      return parts.inputs.map((adds, n) => ({ line: line.sources[n], map, adds }));
    if (line.kind === "products" || line.kind === "unknown")
      return [...Array(this.lines[source].maps).keys()].map((n) => ({ line: source, map: n, adds: null }));
    return [{ line: source, map, adds: this.value(place) }];
  }

  /** How a number was made, in a sentence or two. */
  sentence(place) {
    const [number, map, row, column] = place;
    const { words } = this;
    const line = this.lines[number];
    const parts = this.parts(place);
    const value = line.kind === "softmax" ? percent(this.value(place)) : fixed(this.value(place));
    if (line.kind === "input") return this.pixel(place, value);
    if (!parts) return fill(words["not here"], { value });
    const [rows, columns] = this.window(place);
    const facts = { value, height: rows.length, width: columns.length, layer: line.name, type: line.type };
    for (const [name, part] of Object.entries(parts))
      if (typeof part === "number" && name !== "value" && name !== "count") facts[name] = fixed(part);
    facts.source = line.sources.map((from) => this.lines[from].name).join(", ");
    let kind = line.kind;
    if (kind === "products") {
      facts.count = line.inputs * rows.length * columns.length;
      facts.channels = fill(words[line.inputs === 1 ? "one map" : "maps"], { n: line.inputs });
      facts.bias = parts.bias === null ? words["no bias"] : fill(words["a bias"], { bias: fixed(parts.bias) });
      if (rows.length * columns.length === 1 && this.lines[line.sources[0]].isVector) kind = "linear";
    }
    if (kind === "softmax") {
      facts.count = parts.powers.length;
      facts.power = plain(parts.powers[map]);
      facts.sum = plain(parts.sum);
      facts.name = this.name(number, map);
    }
    if (parts.values) facts.count = parts.count;
    if (parts.inputs) facts.inputs = parts.inputs.map(fixed).join(" + ");
    const said = fill(words[`says ${kind}`], facts);
    return said + this.afterwards(line, parts, facts);
  }

  /** What the activations make of it. */
  afterwards(line, parts, facts) {
    if (!line.activations.length) return ".";
    const same = Math.abs(parts.before - parts.value) < 1e-4;
    const words = this.words[same ? "then the same" : "then another"];
    const name = line.activations.join(", ");
    return fill(words, { before: fixed(parts.before ?? 0), activation: name, value: facts.value });
  }

  pixel([, map, row, column], value) {
    const [height, width] = this.size;
    const { height: high, width: wide, maps } = this.lines[0];
    if (maps !== 3 || height !== high || width !== wide) return fill(this.words["says input"], { value });
    const byte = this.image[(row * width + column) * 3 + map];
    return fill(this.words["says pixel"], { value, byte, colour: this.words.colours[map] });
  }

  /** The part of the image that a number depends on: [top, bottom, left, right], or null. */
  seen([number, , row, column]) {
    const { sees } = this.lines[number];
    if (!sees) return null;
    const [top, bottom, left, right] = sees;
    return [top[row], bottom[row], left[column], right[column]];
  }

  sees(place) {
    const seen = this.seen(place);
    if (!seen || place[0] === 0) return "";
    const [top, bottom, left, right] = seen;
    if (bottom <= top || right <= left) return this.words["sees nothing"];
    if ((bottom - top) * (right - left) === this.lines[0].height * this.lines[0].width) return this.words["sees all"];
    const values = { height: bottom - top, width: right - left, top, left };
    return fill(this.words.sees, { ...values, bottom: bottom - 1, right: right - 1 });
  }
}

const total = (values) => values.reduce((sum, value) => sum + value, 0);
const plain = (value) => (Math.abs(value) < 1000 ? fixed(value) : Math.round(value).toLocaleString("en"));
const percent = (share) => `${(100 * share).toFixed(1)}%`;
