// What Python told of a network (`compute.py`), and the arithmetic of one of its numbers.
// A place is [line, map, row, column]; of a vector, a map is one number.

/** How many terms of a long sum are told one by one. */
const TERMS = 12;

const plain = (value) => (Math.abs(value) < 1000 ? fixed(value) : grouped(value));

class Story {
  /** `ask(line, map)` asks the kernel for a filter that was not sent. */
  constructor({ plan, maps, weights, image, size, classes }, words, ask) {
    Object.assign(this, { words, ask, classes, size, asked: new Map() });
    this.weights = unpacked(weights, Float32Array);
    this.image = unpacked(image, Uint8Array);
    const numbers = unpacked(maps, Float32Array);
    let start = 0;
    this.lines = plan.map((told) => {
      const [count, height, width] = told.shape;
      const values = numbers.subarray(start, (start += count * height * width));
      const [low, high] =
        values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [0, -Infinity]);
      const isVector = height * width === 1;
      const ends = { low, high: high > low ? high : low + 1 };
      return { ...told, maps: count, height, width, values, ...ends, isVector };
    });
    this.last = this.lines.length - 1;
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
    const { maps } = this.lines[number];
    const end = this.lines[this.last];
    const isLast = number === this.last || (end.kind === "softmax" && number === end.sources[0]);
    if (number === 0 && maps === 3) return this.words.colours;
    return isLast && this.classes.length === maps ? this.classes : null;
  }

  /** "map 5", "unit 17", "cat" */
  name(number, map) {
    const { words, lines } = this;
    return this.names(number)?.[map]
      ?? fill(lines[number].isVector ? words.unit : words.map, { n: map });
  }

  /** "conv2, map 5, row 3, column 4" */
  title([number, map, row, column]) {
    const line = this.lines[number];
    const values = { layer: line.name, map: this.name(number, map), row, column };
    return fill(line.isVector ? this.words["at unit"] : this.words["at place"], values);
  }

  /** The rows and columns of the source under the window of a place; -1 is the padding. */
  window([number, , row, column]) {
    const { rows, columns, kind, sources } = this.lines[number];
    if (rows) return [rows[rows.length > 1 ? row : 0], columns[columns.length > 1 ? column : 0]];
    return kind === "softmax" || !sources.length ? [[0], [0]] : [[row], [column]];
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
    const key = `${number} ${map}`;
    if (!this.asked.has(key)) this.ask(number, map);
    if (!this.asked.has(key)) this.asked.set(key, null);
    return this.asked.get(key);
  }

  /** Keep a filter that Python sent when asked: its weights, and behind them its bias, if any. */
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
    return range(inputs).map((n) => {
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
    switch (line.kind) {
      case "products": {
        const channels = this.channels(place);
        if (!channels) return null;
        const { bias } = this.filter(number, map);
        const sum = total(channels.map((channel) => channel.sum));
        return { channels, sum, bias, before: sum + (bias ?? 0), value };
      }
      case "largest":
      case "mean": {
        const values = this.under(source, map, this.window(place));
        const sum = total(values);
        const count = line.divisor ?? values.length;
        const before = line.kind === "mean" ? sum / count : Math.max(...values);
        return { values, sum, count, before, value, winner: values.indexOf(before) };
      }
      case "scaled": {
        const input = this.value([source, map, row, column]);
        const [mean, deviation, scale, shift] = line.scales[map];
        const before = ((input - mean) / deviation) * scale + shift;
        return { input, mean, deviation, scale, shift, before, value };
      }
      case "softmax": {
        const powers = Array.from(this.lines[source].values, Math.exp);
        const sum = total(powers);
        const logit = this.value([source, map, 0, 0]);
        return { logit, powers, sum, before: powers[map] / sum, value };
      }
      case "sum":
      case "activation": {
        const inputs = line.sources.map((from) => this.value([from, map, row, column]));
        return { inputs, before: total(inputs), value };
      }
      default:
        return { value };
    }
  }

  /** Which maps feed a number, and what each adds: [{line, map, adds}]; adds is null if unknown. */
  feeders(place) {
    const [number, map] = place;
    const { kind, sources } = this.lines[number];
    const [line] = sources;
    const parts = this.parts(place);
    if (line === undefined) return [];
    if (kind === "products" && parts) {
      const all = parts.channels.map((one) => ({ line, map: one.map, adds: one.sum }));
      if (!this.lines[line].isVector) return all;
      return all.sort((a, b) => Math.abs(b.adds) - Math.abs(a.adds)).slice(0, 2 * TERMS);
    }
    if (kind === "products" || kind === "unknown")
      return range(this.lines[line].maps).map((n) => ({ line, map: n, adds: null }));
    if (kind === "softmax")
      return parts.powers.map((power, n) => ({ line, map: n, adds: n === map ? power : -power }));
    if (kind === "sum") return parts.inputs.map((adds, n) => ({ line: sources[n], map, adds }));
    return [{ line, map, adds: this.value(place) }];
  }

  /** How a number was made, in a sentence or two. */
  sentence(place) {
    const [number, map] = place;
    const { words } = this;
    const line = this.lines[number];
    const { kind } = line;
    const parts = this.parts(place);
    const value = kind === "softmax" ? percent(this.value(place)) : fixed(this.value(place));
    if (kind === "input") return this.pixel(place, value);
    if (!parts) return fill(words["not here"], { value });
    const [height, width] = this.window(place).map((places) => places.length);
    const facts = { value, height, width, layer: line.name, type: line.type };
    for (const [name, part] of Object.entries(parts))
      if (typeof part === "number" && name !== "value")
        facts[name] = name === "count" ? part : fixed(part);
    facts.source = line.sources.map((from) => this.lines[from].name).join(", ");
    if (kind === "products") {
      facts.count = line.inputs * height * width;
      facts.channels = fill(words[line.inputs === 1 ? "one map" : "maps"], { n: line.inputs });
      facts.bias =
        parts.bias === null ? words["no bias"] : fill(words["a bias"], { bias: fixed(parts.bias) });
    }
    if (kind === "softmax") {
      Object.assign(facts, { count: parts.powers.length, name: this.name(number, map) });
      Object.assign(facts, { power: plain(parts.powers[map]), sum: plain(parts.sum) });
    }
    if (parts.inputs) facts.inputs = parts.inputs.map((each) => fixed(each)).join(" + ");
    const isLinear =
      kind === "products" && height * width === 1 && this.lines[line.sources[0]].isVector;
    const said = fill(words[`says ${isLinear ? "linear" : kind}`], facts);
    if (!line.activations.length) return `${said}.`;
    const after =
      words[Math.abs(parts.before - parts.value) < 1e-4 ? "then the same" : "then another"];
    const activation = line.activations.join(", ");
    return said + fill(after, { before: fixed(parts.before ?? 0), activation, value });
  }

  pixel([, map, row, column], value) {
    const [height, width] = this.size;
    const { height: high, width: wide, maps } = this.lines[0];
    if (maps !== 3 || height !== high || width !== wide)
      return fill(this.words["says input"], { value });
    const byte = this.image[(row * width + column) * 3 + map];
    return fill(this.words["says pixel"], { value, byte, colour: this.words.colours[map] });
  }

  /** The part of the image that a number depends on: [top, bottom, left, right], or null. */
  seen([number, , row, column]) {
    const { sees } = this.lines[number];
    return sees && [sees[0][row], sees[1][row], sees[2][column], sees[3][column]];
  }

  sees(place) {
    const seen = this.seen(place);
    if (!seen || place[0] === 0) return "";
    const [top, bottom, left, right] = seen;
    const [height, width] = [bottom - top, right - left];
    if (height <= 0 || width <= 0) return this.words["sees nothing"];
    if (height * width === this.lines[0].height * this.lines[0].width)
      return this.words["sees all"];
    const [last, outermost] = [bottom - 1, right - 1];
    return fill(this.words.sees, { height, width, top, left, bottom: last, right: outermost });
  }
}
