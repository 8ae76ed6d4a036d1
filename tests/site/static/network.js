// Inside the network: its forward pass, for another image or other weights, without Python.
(() => {
  /** How each kind of line makes its numbers; see `labkit/explorers/network/recipes.py`. */
  const KINDS = {
    products(line, source, weights) {
      const { inputs, groups, rows, columns, shape } = line;
      const size = rows[0].length * columns[0].length;
      return (map, row, column) => {
        let sum = line.biases === null ? 0 : weights[line.biases + map];
        const first = Math.floor(map / (shape[0] / groups)) * inputs;
        for (let input = 0; input < inputs; input++) {
          let at = line.filters + (map * inputs + input) * size;
          for (const y of row)
            for (const x of column) sum += source.at(first + input, y, x) * weights[at++];
        }
        return sum;
      };
    },
    largest: (_line, source) => (map, row, column) =>
      Math.max(...row.flatMap((y) => column.map((x) => source.at(map, y, x)))),
    mean: (line, source) => (map, row, column) => {
      const values = row.flatMap((y) => column.map((x) => source.at(map, y, x)));
      return values.reduce((sum, value) => sum + value, 0) / (line.divisor ?? values.length);
    },
    softmax(_line, source) {
      const most = Math.max(...source.values);
      const powers = Array.from(source.values, (value) => Math.exp(value - most));
      const sum = powers.reduce((total, power) => total + power, 0);
      return (map) => powers[map] / sum;
    },
  };

  /** The numbers of a line, with 0 in the padding. */
  class Numbers {
    constructor([maps, height, width], values) {
      Object.assign(this, { maps, height, width, values });
    }

    at(map, row, column) {
      return row < 0 || column < 0
        ? 0
        : this.values[(map * this.height + row) * this.width + column];
    }
  }

  function forward(plan, weights, image) {
    const lines = [new Numbers(plan[0].shape, image)];
    for (const line of plan.slice(1)) {
      const [maps, height, width] = line.shape;
      const number = KINDS[line.kind](line, lines[line.sources[0]], weights);
      const values = new Float32Array(maps * height * width);
      const place = (lists, n) => lists?.[lists.length > 1 ? n : 0];
      let at = 0;
      for (let map = 0; map < maps; map++)
        for (let row = 0; row < height; row++)
          for (let column = 0; column < width; column++) {
            const value = number(map, place(line.rows, row), place(line.columns, column));
            values[at++] = line.activations.length ? Math.max(0, value) : value; // ReLU
          }
      lines.push(new Numbers(line.shape, values));
    }
    return lines;
  }

  /** Numbers of 16 bits (IEEE 754) as numbers of 32. */
  function widened(bytes) {
    return Float32Array.from(new Uint16Array(bytes.buffer), (bits) => {
      const [sign, power, part] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
      return sign * (power ? 2 ** (power - 15) * (1 + part / 1024) : 2 ** -14 * (part / 1024));
    });
  }

  labkitSite.answers.network = ({ image, upload, weights, stage }, data) => {
    const snapshots = data.snapshots.map((text) => widened(labkitSite.bytes(text)));
    const view = (values) => new DataView(values.buffer);
    const redraw = () => {
      const { plan } = stage.get("scene");
      const now =
        snapshots[weights?.get("value")] ?? new Float32Array(stage.get("numbers").weights.buffer);
      const bytes = choice.bytes();
      const planes = [0, 1, 2].flatMap((c) => [...bytes].filter((_byte, i) => i % 3 === c));
      const pixels = Float32Array.from(planes, (byte) => (byte / 255) * 2 - 1);
      const lines = forward(plan, now, pixels);
      const maps = Float32Array.from(lines.flatMap((line) => [...line.values]));
      const shown = { maps: view(maps), weights: view(now), image: view(Uint8Array.from(bytes)) };
      stage.take({ numbers: { ...shown, size: [32, 32] } });
    };
    const choice = labkitSite.choosing({ image, upload }, data, redraw);
    return (model, ...news) => {
      choice.hear(model, ...news);
      if (model === image || model === weights) redraw();
    };
  };
})();
