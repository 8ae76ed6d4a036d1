// The shape coach: what `labkit/explorers/shape_coach` answers, without Python.
(() => {
  const { fill, grouped } = labkitSite;
  const NUMBERS = ["kernel", "stride", "padding", "dilation"];
  const [STRIP, PITCH] = [18, 38];
  const [SEEN, CONE, INK, MUTED] = ["#9cc7e4", "#e8f2f9", "#1a1a1a", "#5c5c5c"];
  const [ORANGE, BLUE] = ["#D55E00", "#0072B2"];
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
    return parts.map((part) => part.replaceAll(" ", "\u00a0")).join(" ");
  }

  const box = (left, right, top, fill, edge) =>
    `<rect x="${left}%" y="${top}" width="${right - left}%" height="${STRIP}" fill="${fill}" stroke="${edge}"/>`;
  const text = (words, x, top, { anchor = "middle", size = 11, colour = INK } = {}) =>
    `<text x="${x}%" y="${top + 13}" font-size="${size}" fill="${colour}" text-anchor="${anchor}">${words}</text>`;

  function drawCell({ unvisited, seen }, cell, [left, right], top, roomy) {
    if (unvisited.includes(cell)) {
      const line = (from, to) => `<line x1="${left}%" x2="${right}%" y1="${top + from}" y2="${top + to}"/>`;
      const cross = `<g stroke="${ORANGE}" stroke-width="1.5">${line(0, STRIP)}${line(STRIP, 0)}</g>`;
      return box(left, right, top, "white", ORANGE) + cross;
    }
    const sees = seen.includes(cell);
    const edge = right - left < 0.6 ? "none" : sees ? BLUE : "#a8a8a8";
    const drawn = box(left, right, top, sees ? SEEN : "#e4e4e4", edge);
    if (right - left < roomy) return drawn;
    return drawn + text(cell, (left + right) / 2, top, { colour: sees ? INK : MUTED });
  }

  /** Draw the sides below one another as SVG, each cell in the middle of the pixels it sees. */
  function strips(sides, hidden, width) {
    const LEFT = Math.max(13, 8400 / width); // in per cent: room for the names on a phone, too
    const RIGHT = sides.some((side) => side.note) ? Math.max(11, 9000 / width) : 11;
    const roomy = 1700 / width; // a cell that its number fits into
    const low = Math.min(0, ...sides.map(({ start, jump }) => start - jump / 2));
    const high = Math.max(...sides.map(({ start, jump, size }) => start + (size - 0.5) * jump));
    const unit = (100 - LEFT - RIGHT) / (high - low);
    const span = ({ start, jump }, first, last) => {
      const left = LEFT + (start + (first - 0.5) * jump - low) * unit;
      return [left, left + (last - first + 1) * jump * unit];
    };
    const top = (n) => 6 + n * PITCH;
    const parts = sides.slice(1).map((side, n) => {
      if (!side.seen.length || !sides[n].seen.length) return "";
      const [[a, b], [c, d]] = [sides[n], side].map((one) => span(one, one.seen[0], one.seen.at(-1)));
      const place = `y="${top(n) + STRIP}" width="100%" height="${PITCH - STRIP}"`;
      return `<svg ${place} viewBox="0 0 100 1" preserveAspectRatio="none">
        <path d="M${a} 0H${b}L${d} 1H${c}Z" fill="${CONE}"/></svg>`;
    });
    sides.forEach((side, n) => {
      const name = `${side.name}\u2002${side.size}`;
      parts.push(text(name, LEFT - 1, top(n), { anchor: "end", size: 12 }));
      parts.push(text(side.note, 101 - RIGHT, top(n), { anchor: "start", colour: MUTED }));
      parts.push(...range(side.size).map((cell) => drawCell(side, cell, span(side, cell, cell), top(n), roomy)));
    });
    hidden.forEach((words, n) => {
      const at = top(sides.length + n);
      parts.push(box(LEFT, 100 - RIGHT, at, "none", "#c4c4c4"));
      parts.push(text(words, 50 + (LEFT - RIGHT) / 2, at, { size: 12, colour: MUTED }));
    });
    const size = `width="100%" height="${top(sides.length + hidden.length - 1) + STRIP + 8}"`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="system-ui, sans-serif">`;
    return new DataView(new TextEncoder().encode(`${svg}${parts.join("")}</svg>`).buffer);
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
      return strips(drawn, hidden, screen.element.clientWidth || 800);
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
      const texts = range(unit.get("maximum") + 1).fill(words.wait);
      unit.take({ disabled, texts: disabled ? texts : [] });
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
    /** Hold these layers, and a guess for each and for the flattened length; compute again. */
    const change = (layers) => {
      known = layers;
      const [flattened, ...guesses] = [...table.get("guesses")].reverse();
      const kept = guesses.reverse().slice(0, layers.length);
      table.take({ layers, guesses: [...kept, ...range(layers.length - kept.length).fill(""), flattened] });
      compute();
    };
    const refuse = (text) => message.take({ value: labkitSite.complain(words.complaint, text) });
    new ResizeObserver(() => show()).observe(screen.element);
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
