// One image after each transform: one of them enlarged, a cursor, the values under it.
// Python sends the numbers once; every move of the cursor is drawn here, within one frame.

const TOP = 26; // above each part stands its title
const STEP = 46; // from one row of the table to the next
const TABLE = 358; // its width
const BINS = 32; // of a histogram
const ROWS = 6; // of the table; of more stages those around the selected one are listed
const CHANNELS = ["#c02020", "#0a7a3c", "#1f5fc4"];

/** One stage: its numbers, and itself as a small canvas. */
class Stage {
  constructor(described, numbers, words) {
    Object.assign(this, described);
    [this.channels, this.height, this.width] = this.shape;
    this.numbers = numbers;
    this.names = this.channels === 1 ? words.grey : words.colours;
    this.portrait = this.paint();
  }

  value(channel, row, column) {
    return this.numbers[(channel * this.height + row) * this.width + column];
  }

  /** How many values of each channel fall into each bin between black and white. */
  get counts() {
    const area = this.width * this.height;
    return [...Array(this.channels).keys()].map((channel) => {
      const counts = Array(BINS).fill(0);
      for (const value of this.numbers.subarray(channel * area, (channel + 1) * area)) {
        const bin = Math.floor(((value - this.low) / (this.high - this.low)) * BINS);
        if (value <= this.high && bin >= 0) counts[Math.min(bin, BINS - 1)]++;
      }
      return counts;
    });
  }

  has(row, column) {
    return row < this.height && column < this.width;
  }

  text(value) {
    const text = value.toFixed(this.digits);
    return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
  }

  paint() {
    const canvas = document.createElement("canvas");
    canvas.width = this.width;
    canvas.height = this.height;
    const context = canvas.getContext("2d");
    const data = context.createImageData(this.width, this.height);
    const area = this.width * this.height;
    for (let pixel = 0; pixel < area; pixel++)
      for (let c = 0; c < 3; c++) {
        const value = this.numbers[(this.channels === 1 ? 0 : c) * area + pixel];
        data.data[pixel * 4 + c] = ((value - this.low) / (this.high - this.low)) * 255;
        data.data[pixel * 4 + 3] = 255;
      }
    context.putImageData(data, 0, 0);
    return canvas;
  }

  /** The size of one pixel where the whole has `side` points. */
  cell(side) {
    return side / Math.max(this.height, this.width);
  }
}

function unpack(model) {
  const all = unpacked(model.get("values"), Float32Array);
  let start = 0;
  return model.get("stages").map((described) => {
    const count = described.shape.reduce((product, n) => product * n, 1);
    const numbers = all.subarray(start, start + count);
    start += count;
    return new Stage(described, numbers, model.get("words"));
  });
}

/** The stages that the table lists. */
function listed(stages, selected) {
  const first = clamp(selected - Math.floor(ROWS / 2), 0, Math.max(0, stages.length - ROWS));
  return { first, shown: stages.slice(first, first + ROWS) };
}

/** Where the enlarged image, the table and the histograms lie on a stage of that width. */
function plan(stages, width) {
  const wide = width >= 700; // else the table stands below
  const side = wide ? 224 : Math.min(224, Math.round(0.6 * width));
  const table = wide ? { x: side + 30, y: TOP } : { x: 12, y: side + 2 * TOP + 26 };
  const x = wide ? table.x + TABLE + 18 : side + 24;
  const end = table.y + STEP * Math.min(stages.length, ROWS);
  return { side, table, chart: { x, width: Math.min(width - x - 4, 220) }, height: Math.max(side + 52, end) };
}

/** Draws everything on a sheet. */
class Painter extends Brush {
  constructor(sheet, stages, words, { selected, row, column }) {
    const places = plan(stages, sheet.width);
    super(sheet.blank(places.height));
    Object.assign(this, { stages, words, selected, row, column, places });
    this.stage = stages[selected];
  }

  draw() {
    this.context.imageSmoothingEnabled = false;
    this.enlarged();
    this.table();
    this.histograms();
  }

  enlarged() {
    const { stage, words, row, column } = this;
    const { side } = this.places;
    const cell = stage.cell(side);
    const place = fill(words.place, { row, column });
    this.text(stage.name, 4, 12, { weight: "bold", wide: side - 130 });
    this.text(place, 4 + side, 12, { align: "right" });
    this.context.drawImage(stage.portrait, 4, TOP, stage.width * cell, stage.height * cell);
    const size = Math.max(cell, 5);
    const middle = (cell - size) / 2;
    this.outline(4 + column * cell + middle, TOP + row * cell + middle, size, size, ORANGE, 2);
    const range = { low: this.rangeText(stage.low), high: this.rangeText(stage.high) };
    const below = TOP + stage.height * cell + 13;
    this.text(fill(words.range, range), 4, below, { size: 12, colour: MUTED });
  }

  rangeText(value) {
    return Number.isInteger(value) ? String(value).replace("-", "−") : this.stage.text(value);
  }

  /** Every stage in a row: small image, name, type, and its values at the cursor. */
  table() {
    const { context, stages, selected, words } = this;
    const { x, y: top } = this.places.table;
    const right = (channel) => x + 230 + 60 * channel;
    const { first, shown } = listed(stages, selected);
    words.colours.forEach((name, c) => {
      const look = { weight: "bold", align: "right", colour: CHANNELS[c], wide: 58 };
      this.text(name, right(c), top - 14, look);
    });
    shown.forEach((stage, i) => {
      const y = top + i * STEP;
      const chosen = first + i === selected;
      if (chosen) {
        context.fillStyle = "#e8f1f8";
        context.fillRect(x - 8, y, TABLE + 8, STEP - 4);
        context.fillStyle = "#0072b2";
        context.fillRect(x - 8, y, 4, STEP - 4);
      }
      const cell = stage.cell(36);
      context.drawImage(stage.portrait, x + 2, y + 3, stage.width * cell, stage.height * cell);
      const weight = chosen ? "bold" : "normal";
      const kind = [stage.kind, stage.note].filter(Boolean).join(" · ");
      this.text(stage.name, x + 46, y + 12, { weight, wide: 126 });
      this.text(kind, x + 46, y + 30, { size: 12, colour: MUTED, wide: 126 });
      const values = this.values(stage);
      const [only] = values.length === 1 ? stage.names : [];
      if (only) this.text(`${only} ${values[0]}`, right(2), y + 21, { align: "right", weight });
      else
        values.forEach((value, c) =>
          this.text(value, right(c), y + 21, { align: "right", weight, wide: 58 }),
        );
    });
  }

  values(stage) {
    const { row, column } = this;
    if (!stage.has(row, column)) return stage.names.map(() => "–");
    return stage.names.map((_, c) => stage.text(stage.value(c, row, column)));
  }

  /** One histogram under the other, each named; a line marks the value at the cursor. */
  histograms() {
    const { context, stage, words, row, column } = this;
    const { side, chart } = this.places;
    const { x, width } = chart;
    this.text(words.histogram, x, 12, { weight: "bold", wide: width });
    const all = stage.counts;
    const most = Math.max(...all.flat(), 1);
    const step = side / stage.channels;
    all.forEach((counts, c) => {
      const [top, high] = [TOP + c * step, Math.min(step, 130) - 38];
      const base = top + 16 + high;
      const bar = width / counts.length;
      context.fillStyle = stage.channels === 3 ? CHANNELS[c] : MUTED;
      counts.forEach((count, i) => {
        const tall = (count / most) * high;
        context.fillRect(x + i * bar, base - tall, bar - 1, tall);
      });
      context.fillStyle = "#9a9a9a";
      context.fillRect(x, base, width, 1);
      this.text(stage.names[c], x, top + 7, { size: 12 });
      this.text(this.rangeText(stage.low), x, base + 9, { size: 11, colour: MUTED });
      this.text(this.rangeText(stage.high), x + width, base + 9, { size: 11, colour: MUTED, align: "right" });
      if (!stage.has(row, column)) return;
      const value = stage.value(c, row, column);
      const at = x + clamp((value - stage.low) / (stage.high - stage.low), 0, 1) * width;
      this.outline(at - 0.5, base - high, 1, high, INK, 1);
      this.text(stage.text(value), x + width, top + 7, { size: 12, align: "right" });
    });
  }
}

/** What lies under a point: a pixel of the enlarged image, a row of the table, or nothing. */
function partAt(stages, selected, { side, table }, x, y) {
  const stage = stages[selected];
  const cell = stage.cell(side);
  const [column, row] = [Math.floor((x - 4) / cell), Math.floor((y - TOP) / cell)];
  if (x >= 4 && y >= TOP && stage.has(row, column)) return { row, column };
  const { first, shown } = listed(stages, selected);
  const line = Math.floor((y - table.y) / STEP);
  if (x >= table.x - 8 && x < table.x + TABLE && line >= 0 && line < shown.length)
    return { selected: first + line };
  return null;
}

function build(el, words) {
  el.classList.add("lk-stage", "lk-values");
  el.innerHTML = `<canvas role="application" tabindex="0"></canvas>
    <div class="lk-controls lk-slider"><label class="lk-wide"><span></span><select></select></label>
    <small></small></div><p role="status"></p><p></p>`;
  const [canvas, name, select, help] = ["canvas", "span", "select", "small"].map((what) =>
    el.querySelector(what),
  );
  const [cursor, said] = el.querySelectorAll("p");
  name.textContent = words.enlarged;
  help.textContent = words.help;
  keepKeys([canvas, select]);
  return { canvas, select, cursor, said };
}

function render({ model, el }) {
  const words = model.get("words");
  const { canvas, select, cursor, said } = build(el, words);
  let stages = [];
  let telling = null;

  // Kept here: the kernel's echo of an earlier move would undo the moves made since.
  const names = ["selected", "row", "column"];
  let now = Object.fromEntries(names.map((name) => [name, model.get(name)]));

  const paint = () => {
    if (!stages.length || !sheet.width) return;
    const painter = new Painter(sheet, stages, words, now);
    painter.draw();
    const { stage } = painter;
    canvas.places = painter.places; // for the mouse
    const named = painter.values(stage).map((value, c) => `${stage.names[c]} ${value}`);
    const sentence = fill(stage.cursor, { ...now, values: named.join(", ") });
    canvas.setAttribute("aria-label", sentence);
    cursor.textContent = sentence;
    said.textContent = `${model.get("title")} ${stage.says}`;
    select.value = now.selected;
    Object.assign(canvas.dataset, now, { revision: model.get("revision") });
  };
  const tell = () => {
    telling = null;
    model.set(now);
    model.save_changes();
  };
  const go = (change) => {
    const next = { ...now, ...change };
    const selected = clamp(next.selected, 0, stages.length - 1);
    const { height, width } = stages[selected];
    now = { selected, row: clamp(next.row, 0, height - 1), column: clamp(next.column, 0, width - 1) };
    paint();
    telling ??= setTimeout(tell, 100); // the image is painted here; Python may hear of it later
  };
  const keys = (event) => {
    const { selected, row, column } = now;
    const moves = {
      ArrowUp: { row: row - 1 },
      ArrowDown: { row: row + 1 },
      ArrowLeft: { column: column - 1 },
      ArrowRight: { column: column + 1 },
      Home: { column: 0 },
      End: { column: Infinity },
      PageUp: { selected: selected - 1 },
      PageDown: { selected: selected + 1 },
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    go(moves[event.key]);
  };
  const point = (event) => {
    // When the page scrolls under a resting mouse, the browser sends a move of no length.
    if (event.type === "pointermove" && !event.movementX && !event.movementY) return;
    const found = partAt(stages, now.selected, canvas.places, ...under(canvas, event));
    canvas.style.cursor = found ? (found.row === undefined ? "pointer" : "crosshair") : "";
    if (found?.row !== undefined || (found && event.type === "pointerdown")) go(found);
  };
  const changed = () => {
    const count = stages.length;
    stages = unpack(model);
    select.parentElement.hidden = stages.length === 1;
    select.replaceChildren(...stages.map((stage, i) => new Option(stage.name, i)));
    go(count && count !== stages.length ? { selected: stages.length - 1 } : {});
  };
  canvas.addEventListener("keydown", keys);
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  select.addEventListener("change", () => go({ selected: Number(select.value) }));
  model.on("change:revision", changed);
  const sheet = new Sheet(canvas, paint);
  changed();
  return () => {
    clearTimeout(telling);
    sheet.observer.disconnect();
    model.off("change:revision", changed);
  };
}

export default { render };
