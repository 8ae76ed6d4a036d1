// A table of layers to fill in, and under it how the image's side shrinks (see `shapes.js`).

/** A cell of a row; where the table is narrow, the name of its column stands in it. */
function cell(name, ...content) {
  const made = make("td", "", ...content);
  made.dataset.name = name;
  return made;
}

function entry(tag, label, change) {
  const input = make(tag);
  input.setAttribute("aria-label", label);
  input.addEventListener(tag === "select" ? "change" : "input", () => change(input.value));
  keepKeys([input]);
  return input;
}

/** The lines of the table: one for each layer, and one for the flattened length. */
class Table {
  element = make("table", "lk-stack");
  lines = [];

  /** `edit(layer, name, value)` and `guess(line, text)` hear of what is typed. */
  constructor(words, limits, { edit, guess }) {
    Object.assign(this, { words, limits, edit, guess });
  }

  build(count) {
    const { words } = this;
    const names = ["kind", ...NUMBERS, "guess", "answer", "why", "parameters", "field"];
    const heads = names.map((name) => make("th", "", words[name]));
    for (const head of heads) head.scope = "col";
    this.lines = [...range(count).map((index) => this.layer(index)), this.flattened(count)];
    const body = make("tbody", "", ...this.lines.map(({ row }) => row));
    this.element.replaceChildren(make("thead", "", make("tr", "", make("td"), ...heads)), body);
  }

  layer(index) {
    const { words } = this;
    const who = fill(words.layer, { n: index + 1 });
    const kind =
      entry("select", `${who}: ${words.kind}`, (value) => this.edit(index, "kind", value));
    for (const name of ["conv", "pool"]) kind.add(new Option(words[name], name));
    const numbers = NUMBERS.map((name) => {
      const input =
        entry("input", `${who}: ${words[name]}`, (text) => this.edit(index, name, Number(text)));
      const [min, max] = this.limits[name];
      return Object.assign(input, { type: "number", min, max });
    });
    const cells =
      [cell(words.kind, kind), ...numbers.map((input, i) => cell(words[NUMBERS[i]], input))];
    return { kind, numbers, ...this.line(index, who, make("th", "", String(index + 1)), cells) };
  }

  flattened(index) {
    const head = make("th", "", this.words.flatten);
    head.colSpan = 2 + NUMBERS.length;
    return this.line(index, this.words.flatten, head, []);
  }

  /** A line's guess and answers, behind what is special of it. */
  line(index, who, head, cells) {
    const { words } = this;
    const guess = entry("input", `${who}: ${words.guess}`, (text) => this.guess(index, text));
    Object.assign(guess, { inputMode: "numeric", placeholder: "?", className: "lk-guess" });
    guess.addEventListener("keydown", ({ key }) => {
      if (key === "Enter") this.lines[(index + 1) % this.lines.length].guess.focus();
    });
    const answer = make("output");
    const details = ["why", "parameters", "field"].map((name) => cell(words[name]));
    details.forEach((one, i) => (one.className = i ? "lk-number" : "lk-why"));
    head.scope = "row";
    const results = [cell(words.guess, guess), cell(words.answer, answer)];
    const row = make("tr", "", head, ...cells, ...results, ...details);
    return { row, guess, answer, details };
  }

  show(layers, guesses, results) {
    if (this.lines.length !== layers.length + 1) this.build(layers.length);
    layers.forEach((layer, i) => {
      const { kind, numbers } = this.lines[i];
      kind.value = layer.kind;
      NUMBERS.forEach((name, n) => {
        const typed =
          document.activeElement === numbers[n] && Number(numbers[n].value) === layer[name];
        if (!typed && numbers[n].value !== String(layer[name])) numbers[n].value = layer[name];
      });
      numbers.at(-1).disabled = layer.kind === "pool";
    });
    this.lines.forEach(({ guess, answer, details }, i) => {
      if (guess.value !== guesses[i]) guess.value = guesses[i];
      put(answer, { textContent: results[i].answer });
      details.forEach((one, n) => put(one, { textContent: results[i].details?.[n] ?? "" }));
    });
  }
}

/** What a line of the table says to a guess; `known` tells whether its answer stands there. */
function result(guess, answer, { words, reveal, fits, details }) {
  if (answer === undefined) return { answer: fits ? words["no fit"] : "–" };
  const number = guess.trim().replace(/(?<=\d)[.,\s](?=\d{3})/g, ""); // as in 1,024
  const whole = /^\d+$/.test(number);
  const shown = grouped(answer);
  if (whole && Number(number) === answer)
    return { known: true, answer: `✓ ${shown}`, details: details() };
  if (reveal) return { known: true, answer: shown, details: details() };
  if (!number) return { answer: "" };
  const hint = !whole ? words.whole : Number(number) < answer ? words.small : words.large;
  return { answer: `✗ ${hint}` };
}

const STRIP = 18; // its height
const PITCH = 38; // from one to the next

/** The sides below one another, each cell in the middle of the pixels that it sees. */
function strips(sides, unknown, width) {
  const [left, right] =
    [clamp(width * 0.15, 86, 130), width - (sides.some(({ note }) => note) ? 100 : 12)];
  const low = Math.min(0, ...sides.map(({ start, jump }) => start - jump / 2));
  const high = Math.max(...sides.map(({ start, jump, size }) => start + (size - 0.5) * jump));
  const unit = (right - left) / (high - low);
  const x = ({ start, jump }, cell) => left + (start + (cell - 0.5) * jump - low) * unit;
  const top = (n) => 6 + n * PITCH;
  const cones = sides.slice(1).map((below, n) => {
    const above = sides[n];
    if (!above.seen.length || !below.seen.length) return "";
    const [[a, b], [c, d]] =
      [above, below].map((side) => [x(side, side.seen[0]), x(side, side.seen.at(-1) + 1)]);
    return tag(
      "path", { class: "lk-cone", d: `M${a} ${top(n) + STRIP}H${b}L${d} ${top(n + 1)}H${c}Z` },
    );
  });
  const drawn = sides.flatMap((side, n) => {
    const cells =
      range(side.size).map((cell) => square(side, cell, x(side, cell), x(side, cell + 1), top(n)));
    const name = text(`${side.name}\u2002${side.size}`, left - 8, top(n) + 13, { anchor: "end" });
    return [name, ...cells, text(side.note, right + 8, top(n) + 13)];
  });
  const waiting = unknown.flatMap((sign, n) => {
    const y = top(sides.length + n);
    const size = { width: right - left, height: STRIP };
    const box = tag("rect", { class: "lk-cell", x: left, y, ...size, fill: "none" });
    return [box, text(sign, (left + right) / 2, y + 13, { anchor: "middle" })];
  });
  const height = top(sides.length + unknown.length - 1) + STRIP + 8;
  return { height, drawn: [...cones, ...drawn, ...waiting].join("") };
}

/** One cell of a side; where no window comes, it is crossed out. */
function square({ unvisited, seen }, cell, from, to, y) {
  const missed = unvisited.includes(cell);
  const name = `lk-cell ${missed ? "lk-missed" : seen.includes(cell) ? "lk-sees" : ""}`;
  const box = tag("rect", { class: name, x: from, y, width: to - from, height: STRIP });
  const cross = `M${from} ${y}L${to} ${y + STRIP}M${from} ${y + STRIP}L${to} ${y}`;
  if (missed) return box + tag("path", { class: "lk-missed", d: cross });
  return to - from < 17
    ? box
    : box + text(String(cell), (from + to) / 2, y + 13, { anchor: "middle" });
}

function begin({ el, scene, words, change, model }) {
  const [complaint, said] = [make("div"), spoken()];
  const box = hidden(drawing());
  const now = () => model.get("settings");
  const hold = (layers) => {
    const guesses = now().guesses.slice(0, -1);
    const kept = layers.map((_, i) => guesses[i] ?? "");
    change({ layers, guesses: [...kept, now().guesses.at(-1)], unit: null });
  };
  const replaced = (list, index, value) => list.map((old, i) => (i === index ? value : old));
  const edit = (index, name, value) =>
    hold(replaced(now().layers, index, { ...now().layers[index], [name]: value }));
  const guess = (index, text) => change({ guesses: replaced(now().guesses, index, text) });
  const table = new Table(words, scene.limits, { edit, guess });
  box.classList.add("lk-strips");
  el.append(complaint, table.element, box, said);

  const draw = ({ size, layers, guesses, reveal, unit: asked }, width) => {
    const { stages, problem } = stack(size, scene.channels, layers, scene.limits, words);
    const complete = stages.length === layers.length;
    const end = stages.at(-1);
    const answers =
      [...stages.map((stage) => stage.size), ...(complete ? [end.channels * end.size ** 2] : [])];
    const details = (n) => () => {
      if (n === stages.length) {
        const parameters = total(stages.map((stage) => stage.parameters));
        return [`${end.channels} · ${end.size} · ${end.size}`, grouped(parameters), ""];
      }
      const { before, parameters, field } = stages[n];
      return [formula(before, layers[n]), grouped(parameters), `${field} × ${field}`];
    };
    const results = guesses.map((text, n) =>
      result(text, answers[n], { words, reveal, fits: n === stages.length, details: details(n) }),
    );
    table.show(layers, guesses, results);
    complain(complaint, problem);

    const firstHidden = results.findIndex(({ known }) => !known);
    const shown = Math.min(firstHidden < 0 ? results.length : firstHidden, stages.length);
    const follows = complete && shown === stages.length;
    const last = end?.size ?? 1;
    const unit = Math.min(asked ?? Math.floor(last / 2), last - 1);
    const lengths = [size, ...stages.slice(0, shown).map((stage) => stage.size)];
    const { height, drawn } = strips(
      sidesOf(lengths, stages.slice(0, shown), layers, follows ? unit : null, words),
      [
        ...range(stages.length - shown).fill("?"),
        ...range(layers.length - stages.length).fill("✗"),
      ],
      width,
    );
    box.style.height = `${height}px`;
    box.innerHTML = drawn;
    said.textContent = sentence(lengths, stages, layers, { complete, unit, words });
    const texts = follows ? [] : range(last).fill(words.wait);
    return { unit: { value: unit, maximum: last - 1, disabled: !follows, texts } };
  };
  const more = () =>
    now().layers.length === scene.most
      ? complain(complaint, fill(words.room, { n: scene.most }))
      : hold([...now().layers, scene.new]);
  const fewer = () =>
    now().layers.length === 1 ? complain(complaint, words.one) : hold(now().layers.slice(0, -1));
  return { draw, acts: { more, fewer, size: (size) => change({ size, unit: null }) } };
}

/** What is drawn of each side; `unit` of the last one is followed back, if it is not null. */
function sidesOf(lengths, stages, layers, unit, words) {
  let [start, jump] = [0.5, 1];
  return lengths.map((size, n) => {
    const unvisited = stages[n]?.unvisited ?? [];
    const seen = unit === null ? [] : seenBy(lengths.slice(n), layers.slice(n), unit);
    const note = unvisited.length ? fill(words.unvisited, { n: unvisited.length }) : "";
    const name = n ? `${n} ${words[`short ${layers[n - 1].kind}`]}` : words.image;
    const side = { name, size, start, jump, unvisited, seen, note };
    if (stages[n]) {
      const { dilation, kernel, padding } = layers[n];
      start += ((dilation * (kernel - 1)) / 2 - padding) * jump;
      jump = stages[n].jump;
    }
    return side;
  });
}

/** How the side shrinks, what the followed unit sees, and what is never visited. */
function sentence(lengths, stages, layers, { complete, unit, words }) {
  const [sizes, n] = [lengths.join(" → "), lengths.length];
  if (n <= stages.length) return fill(words.next, { sizes, n });
  if (!complete) return fill(words.ends, { sizes, n });
  const seen = seenBy(lengths, layers, unit);
  if (!seen.length) return fill(words.nothing, { sizes, unit });
  const never = stages.flatMap(({ unvisited, before }, i) =>
    unvisited.length
      ? [fill(words.never, { layer: i + 1, n: unvisited.length, total: before })]
      : [],
  );
  return [fill(words.sees, { sizes, unit, first: seen[0], last: seen.at(-1) }), ...never].join(" ");
}
