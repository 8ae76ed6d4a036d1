// One image after each transform: one of them enlarged, a cursor, the values under it.

const BINS = 32; // of a histogram
const ROWS = 6; // of the table; of more stages those around the selected one are listed
const COLOURS = ["#c02020", "#0a7a3c", "#1f5fc4"];

/** An image after one transform: what Python said of it, and its numbers [C, H, W]. */
class Shown {
  constructor(described, numbers, words) {
    Object.assign(this, described, { numbers });
    [this.channels, this.height, this.width] = this.shape;
    this.names = this.channels === 1 ? words.grey : words.colours;
    this.area = this.height * this.width;
  }

  value(channel, row, column) {
    return this.numbers[channel * this.area + row * this.width + column];
  }

  /** The values of all channels at a place, written; a dash where the image does not reach. */
  texts(row, column) {
    const there = row < this.height && column < this.width;
    return this.names.map((_, c) => (there ? fixed(this.value(c, row, column), this.digits) : "–"));
  }

  paint(canvas) {
    const level = (value) => (255 * (value - this.low)) / (this.high - this.low);
    paint(canvas, this.height, this.width, (i) => {
      const levels =
        range(3).map((c) => level(this.numbers[(this.channels === 1 ? 0 : c) * this.area + i]));
      return [...levels, 255];
    });
    return canvas;
  }

  /** An end of the range, as it is written. */
  end(value) {
    return fixed(value, Number.isInteger(value) ? 0 : this.digits);
  }

  /** How many values of a channel fall into each bin between black and white. */
  counts(channel) {
    const counts = Array(BINS).fill(0);
    for (const value of this.numbers.subarray(channel * this.area, (channel + 1) * this.area)) {
      const bin = Math.floor(((value - this.low) / (this.high - this.low)) * BINS);
      if (value <= this.high && bin >= 0) counts[Math.min(bin, BINS - 1)]++;
    }
    return counts;
  }
}

function unpackStages({ stages, values }, words) {
  const all = unpacked(values, Float32Array);
  let start = 0;
  return stages.map((described) => {
    const count = described.shape.reduce((product, n) => product * n, 1);
    return new Shown(described, all.subarray(start, (start += count)), words);
  });
}

/** A line of the table: small image, name and type, and its values at the cursor. */
function line(stage, choose) {
  const kind = [stage.kind, stage.note].filter(Boolean).join(" · ");
  const name = make("td", "", make("div", "", stage.name), make("small", "lk-muted", kind));
  const values = stage.names.map(() => make("td"));
  if (values.length === 1) values[0].colSpan = 3;
  const row = make("tr", "", make("td", "", stage.paint(make("canvas"))), name, ...values);
  row.addEventListener("click", choose);
  const show = (place) =>
    stage.texts(...place).forEach((text, c) => {
      values[c].textContent = values.length === 1 ? `${stage.names[0]} ${text}` : text;
    });
  return { row, show };
}

/** Where the histogram of each channel lies, one under the other: its top, height and base. */
const places = ({ channels }) =>
  range(channels).map((c) => {
    const [top, high] = [(c * 224) / channels, Math.min(224 / channels, 130) - 38];
    return [top, high, top + 16 + high];
  });

/** The histogram of each channel, named. */
function histograms(stage, width) {
  const parts = places(stage).map(([top, high, base], c) => {
    const counts = stage.counts(c);
    const most = Math.max(...counts, 1);
    const bars = counts.map((count, i) => {
      const tall = (count / most) * high;
      const place =
        { x: (i * width) / BINS, y: base - tall, width: width / BINS - 1, height: tall };
      return tag("rect", { ...place, fill: stage.channels === 3 ? COLOURS[c] : MUTED });
    });
    return [
      ...bars,
      tag("line", { class: "lk-rule", x1: 0, x2: width, y1: base, y2: base }),
      text(stage.names[c], 0, top + 11),
      text(stage.end(stage.low), 0, base + 14, { name: "lk-muted" }),
      text(stage.end(stage.high), width, base + 14, { name: "lk-muted", anchor: "end" }),
    ].join("");
  });
  return parts.join("");
}

/** The value at the cursor in each histogram, and a line that marks it. */
function marks(stage, row, column, width) {
  const texts = stage.texts(row, column);
  const parts = places(stage).map(([top, high, base], c) => {
    const place = (stage.value(c, row, column) - stage.low) / (stage.high - stage.low);
    const x = clamp(place, 0, 1) * width - 1;
    const line = tag("rect", { class: "lk-mark", x, y: base - high, width: 2, height: high });
    return line + text(texts[c], width, top + 11, { anchor: "end" });
  });
  return parts.join("");
}

function begin({ model, el, words, change, redraw }) {
  let [stages, lines, drawn, selected, wide] = [null, [], "", 0, 0];
  const [name, place, canvas, frame, ends] =
    [make("b"), make("span"), make("canvas"), make("i"), make("p", "lk-muted")];
  const map = make("div", "lk-framed-map", hidden(canvas), frame);
  const enlarged = make("figure", "", make("figcaption", "", name, place), map, ends);
  const body = make("tbody");
  const heads = ["", "", ...words.colours].map((head) => make("th", "", head));
  const [svg, bars, marked] = [hidden(drawing()), drawing("g"), drawing("g")];
  svg.append(bars, marked);
  const chart =
    make("figure", "lk-histograms", make("figcaption", "", make("b", "", words.histogram)), svg);
  const table = hidden(make("table", "", make("thead", "", make("tr", "", ...heads)), body));
  const [cursor, said] = [spoken(), make("p")];
  el.classList.add("lk-values");
  el.prepend(make("div", "lk-values-box", enlarged, table, chart));
  el.append(make("p", "lk-muted", words.help), cursor, said);
  chooser(map, words.help, {
    move(down, right) {
      const { row, column } = model.get("settings");
      const { height, width } = stages[selected];
      const along = Number.isFinite(right) ? column + right : right;
      change({ row: clamp(row + down, 0, height - 1), column: clamp(along, 0, width - 1) });
    },
    turn: (by) => change({ selected: clamp(selected + by, 0, stages.length - 1) }),
  });
  const point = (event) => {
    // When the page scrolls under a resting mouse, the browser sends a move of no length.
    if (event.type === "pointermove" && !event.movementX && !event.movementY) return;
    const box = canvas.getBoundingClientRect();
    const { height, width } = stages[selected];
    const row = Math.floor(((event.clientY - box.top) / box.height) * height);
    const column = Math.floor(((event.clientX - box.left) / box.width) * width);
    change({ row: clamp(row, 0, height - 1), column: clamp(column, 0, width - 1) });
  };
  map.addEventListener("pointermove", point);
  map.addEventListener("pointerdown", point);

  /** Another image, or another stage enlarged. */
  const meet = () => {
    const first = clamp(selected - Math.floor(ROWS / 2), 0, Math.max(0, stages.length - ROWS));
    lines = stages.slice(first, first + ROWS)
      .map((one, i) => line(one, () => change({ selected: first + i })));
    body.replaceChildren(...lines.map(({ row }) => row));
    lines[selected - first].row.className = "lk-chosen";
    const stage = stages[selected];
    stage.paint(canvas);
    name.textContent = stage.name;
    ends.textContent =
      fill(words.range, { low: stage.end(stage.low), high: stage.end(stage.high) });
    said.textContent = `${model.get("scene").title} ${stage.says}`;
  };
  const draw = (settings, width) => {
    stages ??= unpackStages(model.get("scene"), words);
    selected = Math.min(settings.selected, stages.length - 1);
    const stage = stages[selected];
    if (drawn !== `${selected} ${width}`) {
      meet();
      wide = svg.clientWidth || 200;
      bars.innerHTML = histograms(stage, wide);
      drawn = `${selected} ${width}`;
    }
    const [row, column] =
      [Math.min(settings.row, stage.height - 1), Math.min(settings.column, stage.width - 1)];
    frameOn(frame, [row, row + 1, column, column + 1], stage.height, stage.width);
    place.textContent = fill(words.place, { row, column });
    for (const one of lines) one.show([row, column]);
    marked.innerHTML = marks(stage, row, column, wide);
    const values = stage.texts(row, column).map((text, c) => `${stage.names[c]} ${text}`);
    cursor.textContent = fill(stage.cursor, { row, column, values: inRow(values) });
    stand(map, row * stage.width + column, stage.area - 1, cursor.textContent);
    const options = stages.map((one) => one.name);
    return { selected: { options, hidden: stages.length === 1, value: selected } };
  };
  const other = () => {
    [stages, drawn] = [null, ""];
    redraw();
  };
  return { draw, hears: { "change:scene": other } };
}
