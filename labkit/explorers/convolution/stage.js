// Draws the window on an image (`window_scene.js`), and moves it by mouse, keys and playing.

/** Where image, numbers, output and sum lie on a stage of that width: x, y and side of a cell. */
function plan(scene, width) {
  const convolves = scene.kind === "convolution";
  const lines = scene.planes.length;
  const label = lines > 1 ? 46 : 0; // for the name of a channel
  const wide = width >= 740;
  const side = convolves ? Math.min(112, (width - label - 44) / 3) : Math.min(220, width - 8);
  const block = convolves ? label + 3 * side + 36 : side;
  const below = TOP + (convolves ? lines * (side + 8) : side);
  const spare = width - (wide ? block + 48 : 24);
  const [pictureSide, outputSide] = [0.54, 0.46].map((part) =>
    Math.min(wide ? 270 : 210, spare * (convolves ? part : 0.5)),
  );
  const cell = pictureSide / (Math.max(scene.height, scene.width) + 2 * scene.padding);
  const outCell = Math.min(outputSide / Math.max(scene.rows, scene.columns), 30);
  const picture = [4, TOP, Math.min(cell, 30)];
  const end = TOP + Math.max(pictureSide, outputSide) + 26;
  if (wide) {
    const x = width - 4 - outputSide;
    const numbers = [(4 + pictureSide + x - block) / 2 + label, TOP, side];
    const sum = [x, TOP + scene.rows * outCell + 40];
    const height = Math.max(end, below, sum[1] + 19 * (convolves ? lines + 2 : 1));
    return { picture, numbers, output: [x, TOP, outCell], sum, height };
  }
  const numbers = [4 + label, end + 26, side];
  const beside = width - block > 190;
  const sum = beside ? [block + 40, end + 40] : [4, end + below + 16];
  const height = Math.max(end + below + 4, sum[1] + 19 * (convolves ? lines + 2 : 1));
  return { picture, numbers, output: [pictureSide + 20, TOP, outCell], sum, height };
}

/** Draws a scene on a sheet, with the window at a position. */
class Painter extends Brush {
  constructor(sheet, scene, position) {
    const places = plan(scene, sheet.width);
    super(sheet.blank(places.height));
    Object.assign(this, { scene, position, places });
  }

  draw() {
    this.picture();
    if (this.scene.kind === "convolution") this.products();
    else this.contest();
    this.output();
  }

  hatch(x, y, width, height) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    context.strokeStyle = "#d0d0d0";
    context.lineWidth = 1;
    for (let offset = -height; offset < width; offset += 6) {
      context.beginPath();
      context.moveTo(x + offset, y + height);
      context.lineTo(x + offset + height, y);
      context.stroke();
    }
    context.restore();
  }

  picture() {
    const { context, scene } = this;
    const [x, y, cell] = this.places.picture;
    const [wide, high] = [scene.width * cell, scene.height * cell];
    const edge = scene.padding * cell;
    const title = fill(scene.words.picture, { height: scene.height, width: scene.width });
    this.text(title, x, 12, { weight: "bold" });
    this.hatch(x, y, wide + 2 * edge, high + 2 * edge);
    context.imageSmoothingEnabled = false;
    context.drawImage(scene.portrait, x + edge, y + edge, wide, high);
    const [top, left] = scene.corner(this.position);
    const size = [scene.kernelColumns * cell, scene.kernelRows * cell];
    this.outline(x + edge + left * cell, y + edge + top * cell, ...size, ORANGE, 3);
    if (scene.padding)
      this.text(scene.words.padding, x, y + high + 2 * edge + 14, { size: 12, colour: MUTED });
  }

  /** A grid of numbers; style(i) gives fill, colour and weight of each cell. */
  grid(values, x, y, side, style, columns = this.scene.kernelColumns) {
    const { context } = this;
    const rows = values.length / columns;
    const cell = side / Math.max(rows, columns);
    const size = clamp(cell * 0.41, 11, 14);
    const digits = cell < 22 ? 1 : 2;
    values.forEach((value, i) => {
      const [left, top] = [x + (i % columns) * cell, y + Math.floor(i / columns) * cell];
      const look = style(value, i);
      context.fillStyle = look.fill;
      context.fillRect(left, top, cell, cell);
      context.lineWidth = 1;
      context.strokeStyle = "#9a9a9a";
      context.strokeRect(left, top, cell, cell);
      const middle = [left + cell / 2, top + cell / 2];
      const options = { size, colour: look.colour ?? INK, align: "center", wide: cell - 2 };
      this.text(short(value, digits), ...middle, options);
    });
    return cell;
  }

  products() {
    const { scene } = this;
    const [x, top, side] = this.places.numbers;
    const titles = [scene.words.patch, scene.words.kernel, scene.words.products];
    const step = side + 18;
    titles.forEach((title, i) => this.text(title, x + i * step, top - 14, { weight: "bold", wide: side }));
    scene.planes.forEach((channel, line) => {
      const y = top + line * (side + 8);
      const patch = scene.patch(channel, this.position);
      const weights = scene.weights(channel);
      const name = scene.channels === 3 ? scene.words.channels[channel] : "";
      this.text(name, x - 10, y + side / 2, { size: 12, align: "right", colour: MUTED });
      this.grid(patch, x, y, side, (value) => shade(scene.level(value)));
      this.text("×", x + side + 9, y + side / 2, { align: "center", size: 15 });
      this.grid(weights, x + step, y, side, signed(weights));
      this.text("=", x + step + side + 9, y + side / 2, { align: "center", size: 15 });
      const products = patch.map((value, i) => value * weights[i]);
      this.grid(products, x + 2 * step, y, side, signed(products));
    });
  }

  contest() {
    const { scene } = this;
    const [x, y, side] = this.places.numbers;
    const values = scene.patch(scene.channel, this.position);
    const winner = scene.kind === "max" ? scene.winner(this.position) : -1;
    const faded = { fill: "#f2f2f2", colour: "#767676" };
    const style = (value, i) => (winner < 0 || i === winner ? shade(scene.level(value)) : faded);
    this.text(scene.words.patch, x, y - 14, { weight: "bold" });
    const cell = this.grid(values, x, y, side, style);
    if (winner < 0) return;
    const left = x + (winner % scene.kernelColumns) * cell;
    const top = y + Math.floor(winner / scene.kernelColumns) * cell;
    this.outline(left + 2, top + 2, cell - 4, cell - 4, BLUE, 3);
    this.text("★", left + cell - 10, top + 11, { size: 13, colour: BLUE, align: "center" });
  }

  output() {
    const { context, scene, position } = this;
    const [x, y, cell] = this.places.output;
    const title = fill(scene.words.output, { height: scene.rows, width: scene.columns });
    this.text(title, x, 12, { weight: "bold" });
    const range = scene.high - scene.low || 1;
    this.hatch(x, y, scene.columns * cell, scene.rows * cell);
    for (let i = 0; i <= position; i++) {
      const level = Math.round(((scene.output[i] - scene.low) / range) * 255);
      context.fillStyle = `rgb(${level},${level},${level})`;
      const [left, top] = [x + (i % scene.columns) * cell, y + Math.floor(i / scene.columns) * cell];
      context.fillRect(left, top, cell + 0.5, cell + 0.5);
    }
    context.lineWidth = 1;
    context.strokeStyle = "#9a9a9a";
    context.strokeRect(x, y, scene.columns * cell, scene.rows * cell);
    const at = [x + (position % scene.columns) * cell, y + Math.floor(position / scene.columns) * cell];
    this.outline(...at, cell, cell, ORANGE, 2);
    const below = y + scene.rows * cell + 14;
    const range_ = { low: short(scene.low), high: short(scene.high) };
    this.text(fill(scene.words.range, range_), x, below, { size: 12, colour: MUTED });
    this.sum(...this.places.sum);
  }

  /** The sum under the output: one line for each channel, the bias, the result. */
  sum(x, y) {
    const { scene, position } = this;
    const line = (name, value, i, weight) => {
      this.text(name, x, y + i * 19, { weight });
      this.text(fixed(value), x + 140, y + i * 19, { align: "right", weight });
    };
    let count = 0;
    if (scene.kind === "convolution") {
      scene.planes.forEach((channel) => {
        const weights = scene.weights(channel);
        const patch = scene.patch(channel, position);
        const total = patch.reduce((sum, value, i) => sum + value * weights[i], 0);
        const name = scene.channels === 3 ? scene.words.channels[channel] : "";
        line(`${count ? "+ " : ""}${name}`, total, count++);
      });
      line(`+ ${scene.words.bias}`, scene.bias, count++);
    }
    line(`= ${scene.words[`result ${scene.kind}`]}`, scene.output[position], count, "bold");
  }
}

/** Which window was clicked, on the image or on the output; null where neither is. */
function windowAt(scene, { picture, output }, x, y) {
  const [ox, oy, outCell] = output;
  if (x >= ox && x < ox + scene.columns * outCell && y >= oy && y < oy + scene.rows * outCell)
    return Math.floor((y - oy) / outCell) * scene.columns + Math.floor((x - ox) / outCell);
  const [px, py, cell] = picture;
  const [high, wide] = [scene.height, scene.width].map((n) => (n + 2 * scene.padding) * cell);
  if (x < px || x >= px + wide || y < py || y >= py + high) return null;
  const along = (place, size) => Math.round((place / cell - size / 2) / scene.stride);
  const row = clamp(along(y - py, scene.kernelRows), 0, scene.rows - 1);
  return row * scene.columns + clamp(along(x - px, scene.kernelColumns), 0, scene.columns - 1);
}

function build(el, words) {
  el.classList.add("lk-stage");
  el.innerHTML = `<canvas role="img"></canvas>
    <div class="lk-controls lk-slider"><button type="button"></button>
    <label class="lk-wide"><span></span><input type="range" min="0" step="1"><output></output></label>
    <label><span></span><select></select></label></div><p role="status"></p>`;
  const find = (what) => el.querySelector(what);
  const [position, speed] = el.querySelectorAll("label span");
  position.textContent = words.position;
  speed.textContent = words.speed;
  offerPaces(find("select"), [2, 5, 10, 30, 60], words);
  keepKeys(el.querySelectorAll("button, input, select"));
  const names = ["canvas", "button", "input", "output", "select", "p"];
  return Object.fromEntries(names.map((name) => [name, find(name)]));
}

function render({ model, el }) {
  const words = model.get("words");
  const parts = build(el, words);
  const { canvas, input: slider, output, p: said } = parts;
  let scene = new Scene(model);

  /** Where the window is; a move made in a larger output may come after a smaller one. */
  const at = () => Math.min(model.get("position"), scene.total - 1);
  const last = () => scene.total - 1;
  const speak = () => (said.textContent = scene.sentence(at()));
  const go = (position) => {
    model.set("position", clamp(position, 0, last()));
    model.save_changes(); // at once: Python's echo of a place would undo later moves not yet sent
  };
  const player = new Player({ ...parts, words }, { at, last, go, halted: speak });
  const paint = () => {
    const position = at();
    if (sheet.width) {
      const painter = new Painter(sheet, scene, position);
      painter.draw();
      canvas.places = painter.places; // for the mouse
    }
    const sentence = scene.sentence(position);
    canvas.setAttribute("aria-label", sentence);
    slider.max = last();
    slider.value = position;
    slider.setAttribute("aria-valuetext", sentence);
    output.textContent = `${position + 1} / ${scene.total}`;
    if (!player.timer) speak(); // while it plays, nobody could listen so fast
    Object.assign(canvas.dataset, { position, revision: model.get("revision") });
  };
  const keys = (event) => {
    const rows = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!rows && event.key !== " ") return;
    event.preventDefault();
    if (rows) go(at() + rows * scene.columns);
    else if (!event.repeat) player.toggle();
  };
  const point = (event) => {
    if (!event.buttons) return;
    const position = windowAt(scene, canvas.places, ...under(canvas, event));
    if (position !== null) go(position);
  };
  const changed = () => {
    scene = new Scene(model);
    paint();
  };
  slider.addEventListener("input", () => go(Number(slider.value)));
  slider.addEventListener("keydown", keys);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointermove", point);
  model.on("change:position", paint);
  model.on("change:revision", changed);
  const sheet = new Sheet(canvas, paint);
  paint();
  return () => {
    player.halt();
    sheet.observer.disconnect();
    model.off("change:position", paint);
    model.off("change:revision", changed);
  };
}

export default { render };
