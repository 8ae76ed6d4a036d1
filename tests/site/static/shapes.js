// The shape coach: what `labkit/explorers/shape_coach` answers, without Python.
(() => {
  const { fill, grouped } = labkitSite;
  const NUMBERS = ["kernel", "stride", "padding", "dilation"];
  const [EDGE, STRIP, PITCH, SEEN, CONE] = [96, 17, 37, "#9cc7e4", "#e8f2f9"];
  const range = (count) => [...Array(count).keys()];

  /** Follow an image through layers; `problem` is a sentence where one does not fit. */
  function stack(size, channels, layers, limits, words) {
    const stages = [];
    let [field, jump] = [1, 1];
    for (const [index, layer] of layers.entries()) {
      const problem = wrong(layer, limits, words) ?? tooSmall(size, layer, words);
      if (problem) return { stages, problem: fill(problem, { n: index + 1 }) };
      const { kernel, stride, padding, dilation, filters } = layer;
      const before = size;
      size = Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
      const touched = new Set(range(size).flatMap((at) => taps(layer).map((tap) => at * stride + tap)));
      const unvisited = range(before).filter((place) => !touched.has(place));
      const conv = layer.kind === "conv";
      const parameters = conv ? filters * (channels * kernel ** 2 + 1) : 0;
      if (conv) channels = filters;
      field += dilation * (kernel - 1) * jump;
      jump *= stride;
      stages.push({ channels, size, unvisited, parameters, field, jump });
    }
    return { stages };
  }

  const taps = ({ kernel, dilation, padding }) => range(kernel).map((tap) => tap * dilation - padding);

  function wrong(layer, limits, words) {
    for (const name of [...NUMBERS, ...(layer.kind === "conv" ? ["filters"] : [])]) {
      const [[low, high], value] = [limits[name], layer[name]];
      if (!Number.isInteger(value) || value < low || value > high)
        return fill(words.limits, { n: "{n}", name: words.names[name], low, high, value });
    }
    if (layer.kind === "pool" && 2 * layer.padding > layer.kernel)
      return fill(words.pool, { n: "{n}", most: Math.floor(layer.kernel / 2) });
  }

  function tooSmall(size, { kernel, padding, dilation }, words) {
    const [span, side] = [dilation * (kernel - 1) + 1, size + 2 * padding];
    if (span > side) return fill(words.layer, { n: "{n}", reason: fill(words.span, { span, side }) });
  }

  /** The pixels, of `sides[0]`, that a place in the last map depends on. */
  function seenBy(sides, layers, position) {
    let seen = [position];
    for (const [n, layer] of [...layers.entries()].reverse()) {
      const reached = new Set(seen.flatMap((at) => taps(layer).map((tap) => at * layer.stride + tap)));
      seen = [...reached].filter((at) => at >= 0 && at < sides[n]);
    }
    return seen.sort((a, b) => a - b);
  }

  function formula(n, { kernel, stride, padding, dilation }) {
    const span = dilation * (kernel - 1) + 1;
    const room = n + 2 * padding - span;
    const parts = [`⌊(${padding ? `${n} + 2·${padding}` : n} − ${span}) / ${stride}⌋ + 1`];
    if (room % stride) parts.push(`= ⌊${Number((room / stride).toPrecision(4))}⌋ + 1`);
    return parts.map((part) => part.replaceAll(" ", "\u00a0")).join(" "); // a line ends before "="
  }

  /** Draw the sides below one another, each cell in the middle of the pixels it sees. */
  function strips(sides, hidden, width) {
    const canvas = document.createElement("canvas");
    const height = 6 + (sides.length + hidden.length) * PITCH - (PITCH - STRIP) + 8;
    [canvas.width, canvas.height] = [2 * width, 2 * height];
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    const brush = (text, x, y, align = "left", colour = "#1a1a1a", size = 12) => {
      Object.assign(context, { font: `${size}px system-ui, sans-serif`, fillStyle: colour });
      Object.assign(context, { textAlign: align, textBaseline: "middle" });
      context.fillText(text, x, y + STRIP / 2);
    };
    const right = sides.some((side) => side.note) ? Math.min(EDGE + 6, width / 4) : 8;
    const low = Math.min(0, ...sides.map(({ start, jump }) => start - jump / 2));
    const high = Math.max(...sides.map(({ start, jump, size }) => start + (size - 0.5) * jump));
    const unit = (width - EDGE - right) / (high - low);
    const span = ({ start, jump }, first, last) => {
      const left = EDGE + (start + (first - 0.5) * jump - low) * unit;
      return [left, left + (last - first + 1) * jump * unit];
    };
    sides.slice(1).forEach((side, n) => {
      const above = sides[n];
      if (!side.seen.length || !above.seen.length) return;
      const [top, bottom] = [6 + n * PITCH + STRIP, 6 + (n + 1) * PITCH];
      const [a, b] = span(above, above.seen[0], above.seen.at(-1));
      const [c, d] = span(side, side.seen[0], side.seen.at(-1));
      context.beginPath();
      for (const point of [[a, top], [b, top], [d, bottom], [c, bottom]]) context.lineTo(...point);
      context.fillStyle = CONE;
      context.fill();
    });
    sides.forEach((side, n) => {
      const top = 6 + n * PITCH;
      brush(side.name, 6, top);
      brush(side.size, EDGE - 8, top, "right");
      brush(side.note, width - right + 8, top, "left", "#5c5c5c", 11);
      for (const cell of range(side.size)) {
        const [left, end] = span(side, cell, cell);
        const [missed, seen] = [side.unvisited.includes(cell), side.seen.includes(cell)];
        const box = [left + 0.5, top, end - left - 1, STRIP];
        context.fillStyle = missed ? "#fff" : seen ? SEEN : "#e4e4e4";
        context.fillRect(...box);
        context.strokeStyle = missed ? "#d55e00" : seen ? "#0072b2" : "#a8a8a8";
        context.lineWidth = missed ? 1.5 : 1;
        if (end - left >= 5) context.strokeRect(...box);
        if (missed) {
          context.beginPath();
          context.moveTo(left + 1, top);
          context.lineTo(end - 1, top + STRIP);
          context.moveTo(left + 1, top + STRIP);
          context.lineTo(end - 1, top);
          context.stroke();
        } else if (end - left >= 20)
          brush(cell, (left + end) / 2, top, "center", seen ? "#1a1a1a" : "#5c5c5c", 11);
      }
    });
    hidden.forEach((words, n) => {
      const top = 6 + (sides.length + n) * PITCH;
      context.strokeStyle = "#c4c4c4";
      context.strokeRect(EDGE, top, width - EDGE - right, STRIP);
      brush(words, (EDGE + width - right) / 2, top, "center", "#5c5c5c");
    });
    return labkitSite.view(canvas.toDataURL().split(",")[1]);
  }

  labkitSite.answers.shapes = (parts, { channels, limits, most, words }) => {
    const { size, more, fewer, reveal, unit, table, screen, message } = parts;
    let [known, stages, problem] = [table.get("layers"), [], undefined];

    const details = (n) => {
      const stage = stages[n];
      if (n === stages.length) {
        const end = stages.at(-1);
        const total = stages.reduce((sum, { parameters }) => sum + parameters, 0);
        return { why: `${end.channels} · ${end.size} · ${end.size}`, parameters: grouped(total, 0), field: "" };
      }
      const why = formula(n ? stages[n - 1].size : size.get("value"), known[n]);
      return { why, parameters: grouped(stage.parameters, 0), field: `${stage.field} × ${stage.field}` };
    };
    const result = (n, guess, answer) => {
      const blank = { why: "", parameters: "", field: "" };
      if (answer === undefined)
        return { ...blank, state: "broken", answer: n === stages.length ? words["no fit"] : "–" };
      const number = guess.trim().replaceAll(",", "");
      const whole = /^\d+$/.test(number);
      if (whole && Number(number) === answer)
        return { state: "right", answer: `✓ ${grouped(answer, 0)}`, ...details(n) };
      if (reveal.get("value")) return { state: "shown", answer: grouped(answer, 0), ...details(n) };
      if (!number) return { ...blank, state: "open", answer: "" };
      const hint = !whole ? words.whole : Number(number) < answer ? words.small : words.large;
      return { ...blank, state: "wrong", answer: `✗ ${hint}` };
    };
    const sentence = (shown, sides) => {
      const sizes = sides.join(" → ");
      if (shown < stages.length) return fill(words.guess, { sizes, n: shown + 1 });
      if (stages.length < known.length) return fill(words.ends, { sizes, n: shown + 1 });
      const seen = seenBy(sides, known, unit.get("value"));
      const follows = { sizes, unit: unit.get("value"), first: seen[0], last: seen.at(-1) };
      if (!seen.length) return fill(words.nothing, follows);
      const said = [fill(words.sees, follows)];
      stages.forEach((stage, n) => {
        const count = stage.unvisited.length;
        if (count) said.push(fill(words.never, { layer: n + 1, n: count, total: sides[n] }));
      });
      return said.join(" ");
    };
    const draw = (shown, sides) => {
      const follow = shown === known.length;
      let [start, jump] = [0.5, 1];
      const drawn = sides.map((side, n) => {
        const unvisited = stages[n] && n < shown ? stages[n].unvisited : [];
        const seen = follow ? seenBy(sides.slice(n), known.slice(n), unit.get("value")) : [];
        const note = unvisited.length ? fill(words.note, { n: unvisited.length }) : "";
        const kind = n ? words.kinds[known[n - 1].kind] : "";
        const one = { name: n ? `${n} ${kind}` : words.image, size: side, start, jump, unvisited, seen, note };
        if (n < shown) {
          const { dilation, kernel, padding } = known[n];
          start += ((dilation * (kernel - 1)) / 2 - padding) * jump;
          jump = stages[n].jump;
        }
        return one;
      });
      const hidden = [...range(stages.length - shown).fill("?"), ...range(known.length - stages.length).fill("✗")];
      const width = Math.min(950, screen.element.clientWidth || 950);
      screen.take({ width });
      return strips(drawn, hidden, width);
    };
    const show = () => {
      const complete = stages.length === known.length;
      const answers = stages.map((stage) => stage.size);
      const end = stages.at(-1);
      if (complete) answers.push(end.channels * end.size ** 2);
      const results = table.get("guesses").map((guess, n) => result(n, guess, answers[n]));
      table.take({ results });
      const hidden = results.findIndex(({ state }) => !["right", "shown"].includes(state));
      const shown = Math.min(hidden < 0 ? results.length : hidden, stages.length);
      const disabled = !complete || shown < stages.length;
      unit.take({ disabled, texts: disabled ? Array(unit.get("maximum") + 1).fill(words.wait) : [] });
      const sides = [size.get("value"), ...stages.slice(0, shown).map((stage) => stage.size)];
      const revision = screen.get("revision") + 1;
      screen.take({ png: draw(shown, sides), sentence: sentence(shown, sides), revision });
      message.take({ value: problem ? labkitSite.complain(words.complaint, problem) : "" });
    };
    const compute = () => {
      ({ stages, problem } = stack(size.get("value"), channels, known, limits, words));
      const last = stages.at(-1)?.size ?? 1;
      unit.take({ maximum: last - 1, value: Math.floor(last / 2) });
      show();
    };
    /** Compute again, with a guess for each layer and one for the flattened length. */
    const change = (layers) => {
      const [flattened, ...kept] = table.get("guesses").toReversed();
      const guesses = range(layers.length).map((n) => kept.at(-1 - n) ?? "");
      known = layers;
      table.take({ layers, guesses: [...guesses, flattened] });
      compute();
    };
    const refuse = (text) => message.take({ value: labkitSite.complain(words.complaint, text) });
    new ResizeObserver(() => {
      if (Math.min(950, screen.element.clientWidth) !== screen.get("width")) show();
    }).observe(screen.element);
    compute();
    return (model) => {
      const layers = table.get("layers");
      if (model === more)
        return layers.length === most ? refuse(fill(words.room, { n: most })) : change([...layers, words.new]);
      if (model === fewer) return layers.length === 1 ? refuse(words.one) : change(layers.slice(0, -1));
      if (model === size || (model === table && layers !== known)) return change(layers);
      show();
    };
  };
})();
