// Convolution and pooling: what `labkit/explorers/convolution/compute.py` answers, without Python.
(() => {
  const { fill } = labkitSite;
  const SIDE = 32;
  const view = (values) => new DataView(Float32Array.from(values).buffer);

  /** Each window's place: the row and column of its upper left pixel. */
  function* windows(rows, columns, stride, padding) {
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        yield [row * stride - padding, column * stride - padding];
  }

  /** Bytes of pixels in rows become channels of numbers from `black` to 1. */
  function channels(bytes, black) {
    const planes = [0, 1, 2].map((c) => [...bytes].filter((_byte, i) => i % 3 === c));
    return planes.map((plane) => plane.map((byte) => (byte / 255) * (1 - black) + black));
  }

  const fitted = (kernel, stride, padding) => Math.floor((SIDE + 2 * padding - kernel) / stride) + 1;

  function convolve(planes, { weights, size, bias }, stride, padding) {
    const [rows, columns] = size.map((side) => fitted(side, stride, padding));
    const output = [];
    for (const [top, left] of windows(rows, columns, stride, padding)) {
      let sum = bias;
      planes.forEach((plane, c) => {
        for (let row = 0; row < size[0]; row++)
          for (let column = 0; column < size[1]; column++) {
            const [y, x] = [top + row, left + column];
            if (y < 0 || y >= SIDE || x < 0 || x >= SIDE) continue;
            sum += plane[y * SIDE + x] * weights[(c * size[0] + row) * size[1] + column];
          }
      });
      output.push(sum);
    }
    return { output, rows, columns };
  }

  function pool(plane, size, stride, kind) {
    const side = fitted(size, stride, 0);
    const [output, winners] = [[], []];
    for (const [top, left] of windows(side, side, stride, 0)) {
      let [most, where, sum] = [-Infinity, 0, 0];
      for (let at = 0; at < size * size; at++) {
        const place = (top + Math.floor(at / size)) * SIDE + left + (at % size);
        if (plane[place] > most) [most, where] = [plane[place], place];
        sum += plane[place];
      }
      output.push(kind === "max" ? most : sum / (size * size));
      winners.push(where);
    }
    return { output, winners, side };
  }

  /** Rows of numbers, "1 0 -1; 1 0 -1"; throws a sentence. */
  function readKernel(text, words) {
    const lines = text.split(/[;\n]/).filter((line) => line.trim());
    const rows = lines.map((line) => line.replaceAll(",", " ").trim().split(/\s+/));
    if (!rows.length || new Set(rows.map((row) => row.length)).size > 1) throw words.rectangle;
    const size = [rows.length, rows[0].length];
    if (Math.max(...size) > words.most) {
      const [rows, columns] = size;
      throw fill(words["too large"], { rows, columns, limit: words.most });
    }
    const number = (word) => {
      const [above, below = "1"] = word.split("/");
      const value = above && below ? Number(above) / Number(below) : NaN;
      if (!Number.isFinite(value)) throw fill(words.number, { word });
      return value / 3;
    };
    const plane = rows.flat().map(number);
    return { weights: [...plane, ...plane, ...plane], size, bias: 0 };
  }

  function show(stage, values, output, rows, columns) {
    const arrays = ["image", "output", "kernel", "winners"];
    const packed = arrays.map((name) => [name, view(name === "output" ? output : values[name] ?? [])]);
    stage.take({
      ...values,
      ...Object.fromEntries(packed),
      image_shape: [values.count, SIDE, SIDE],
      output_shape: [rows, columns],
      position: Math.min(stage.get("position"), rows * columns - 1),
      revision: stage.get("revision") + 1,
    });
  }

  labkitSite.answers.convolution = (parts, data) => {
    const { kernel, typed, stride, padding, stage, message } = parts;
    const redraw = () => {
      const chosen = data.kernels[kernel.get("index")];
      message.take({ value: "" });
      const learned = chosen?.learned ?? false;
      const black = learned ? -1 : 0;
      try {
        const filter = chosen ?? readKernel(typed.get("value"), data.words);
        const planes = channels(choice.bytes(), black);
        const [s, p] = [stride.get("value"), padding.get("value")];
        const { output, rows, columns } = convolve(planes, filter, s, p);
        const numbers = { stride: s, padding: p, size: filter.size, bias: filter.bias, black };
        const values = { ...numbers, image: planes.flat(), kernel: filter.weights, count: 3 };
        show(stage, values, output, rows, columns);
      } catch (sentence) {
        if (typeof sentence !== "string") throw sentence;
        message.take({ value: labkitSite.complain(data.words.complaint, sentence) });
      }
    };
    const choice = labkitSite.choosing(parts, data, redraw);
    return (model, ...news) => {
      choice.hear(model, ...news);
      if (model === typed) kernel.take({ index: data.kernels.indexOf(null) });
      if (model !== stage && model !== parts.upload) redraw();
    };
  };

  labkitSite.answers.pooling = (parts, data) => {
    const { kind, channel, size, stride, stage } = parts;
    const redraw = () => {
      const planes = channels(choice.bytes(), 0);
      const [chosen, c] = [["max", "average"][kind.get("index")], channel.get("index")];
      const [k, s] = [size.get("value"), stride.get("value")];
      const { output, winners, side } = pool(planes[c], k, s, chosen);
      const values = { kind: chosen, channel: c, size: [k, k], stride: s, image: planes.flat(), count: 3 };
      show(stage, { ...values, winners: chosen === "max" ? winners : [] }, output, side, side);
    };
    const choice = labkitSite.choosing(parts, data, redraw);
    return (model, ...news) => {
      choice.hear(model, ...news);
      if (model !== stage && model !== parts.upload) redraw();
    };
  };
})();
