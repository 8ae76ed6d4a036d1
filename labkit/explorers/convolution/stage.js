// A window on an image, the numbers under it, and the output so far (the arithmetic: `windows.js`).

/** An image with its title, a frame on it, and a line below; `point(y, x)` hears of the mouse. */
function framed(name, point) {
  const [title, canvas, frame, below] =
    [make("figcaption"), make("canvas"), make("i"), make("p", "lk-muted")];
  const move = (event) => {
    if (!event.buttons) return;
    const box = canvas.getBoundingClientRect();
    point((event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width);
  };
  canvas.addEventListener("pointerdown", move);
  canvas.addEventListener("pointermove", move);
  const element =
    make("figure", name, title, hidden(make("div", "lk-framed-map", canvas, frame)), below);
  return { element, title, canvas, frame, below };
}

/** The numbers under the window: of a convolution times the kernel, for each channel in a row. */
class Numbers {
  element = hidden(make("div", "lk-products"));

  constructor(words) {
    this.words = words;
  }

  /** Make room for other windows. */
  begin(windows) {
    const { words } = this;
    const convolves = windows.kind === "convolution";
    const heads = [words.patch, ...(convolves ? [words.kernel, words.products] : [])];
    const names = windows.planes.length > 1 ? words.channels : [""];
    this.grids = windows.planes.map(() => heads.map(() => new NumberGrid()));
    this.element.classList.toggle("lk-contest", !convolves);
    this.element.replaceChildren(
      ...[make("span"), ...heads.flatMap((head) => [make("b", "", head), make("span")])]
        .slice(0, -1),
      ...this.grids.flatMap((grids, c) => [
        make("span", "lk-muted", names[c]),
        ...grids.flatMap(({ element }, i) =>
          (i ? [make("span", "", " ×="[i]), element] : [element])),
      ]),
    );
  }

  show(windows, position, level, width) {
    const [, columns] = windows.size;
    const third = Math.min(108, (width - 110) / 3);
    const cell = windows.kind === "convolution"
      ? clamp(third / columns, third < 108 ? 12 : 18, 35)
      : clamp(200 / columns, 33, 64);
    const bright = (value) => shade(level(value));
    windows.planes.forEach((plane, c) => {
      const [patch, kernel, result] = this.grids[c];
      const values = windows.under(plane, position);
      if (windows.kind !== "convolution") {
        const winner = windows.kind === "max" ? values.indexOf(windows.output[position]) : -1;
        const faded = { fill: "#f2f2f2", colour: "#666666" };
        const style = (value, i) =>
          (winner < 0 || i === winner ? { ...bright(value), mark: i === winner } : faded);
        return patch.show(values, columns, style, cell);
      }
      const [weights, products] = [windows.weights[c], windows.products(c, position)];
      patch.show(values, columns, bright, cell);
      kernel.show(weights, columns, signed(weights), cell);
      result.show(products, columns, signed(products), cell);
    });
  }
}

/** The lines of the sum under the output. */
function sumLines(windows, position, words) {
  const line = (name, value, mark = "td") =>
    make("tr", "", make(mark, "", name), make(mark, "", fixed(value)));
  const result = line(`= ${words[`result ${windows.kind}`]}`, windows.output[position], "th");
  if (windows.kind !== "convolution") return [result];
  const names = windows.planes.length > 1 ? words.channels : [""];
  const sums = windows.sums(position).map((sum, c) => line(`${c ? "+ " : ""}${names[c]}`, sum));
  return [...sums, line(`+ ${words.bias}`, windows.bias), result];
}

function sentence(windows, position, words) {
  const value = windows.output[position];
  return fill(words[`says ${windows.kind}`], {
    n: position + 1,
    total: windows.last + 1,
    row: Math.floor(position / windows.columns) + 1,
    column: (position % windows.columns) + 1,
    bias: fixed(windows.bias ?? 0),
    value: fixed(value),
    sum: fixed(value - (windows.bias ?? 0)),
    count: windows.size[0] * windows.size[1],
  });
}

/** Make the windows that the settings ask for; `black` is what a black pixel is. */
function windowsOf(settings, model, scene, words) {
  const [bytes, shape] = [unpacked(model.get("image"), Uint8Array), model.get("size")];
  const { stride, padding = 0 } = settings;
  if (scene.kind === "pooling") {
    const how = { size: [settings.size, settings.size], stride };
    const kind = ["max", "average"][settings.kind];
    const maps = channels(bytes, 0);
    return { windows: new Pooling(maps[settings.channel], shape, kind, how), black: 0 };
  }
  const filter = scene.kernels[settings.kernel] ?? readKernel(settings.typed, words, scene.most);
  const black = filter.learned ? -1 : 0; // what the network was shown
  let planes = channels(bytes, black);
  const [rows, columns] = filter.size;
  if (filter.weights.length === rows * columns)
    planes = [planes[0].map((_, i) => total(planes.map((plane) => plane[i])) / 3)];
  const [height, width] = shape.map((side) => side + 2 * padding);
  if (rows > height || columns > width)
    throw fill(words["no fit"], { rows, columns, height, width });
  return { windows: new Convolution(planes, shape, { ...filter, stride, padding }), black };
}

function begin({ model, el, scene, words, change, redraw }) {
  let [windows, black, key] = [null, 0, ""];
  const go = (position) => change({ position: clamp(position, 0, windows.last) });
  const image = framed("lk-seen", (y, x) => {
    const [height, width] =
      [windows.height, windows.width].map((side) => side + 2 * windows.padding);
    go(windows.nearest(y * height, x * width));
  });
  const output = framed("lk-output", (y, x) => {
    const at = [Math.floor(y * windows.rows), Math.floor(x * windows.columns)];
    go(at[0] * windows.columns + at[1]);
  });
  const [numbers, sums, said, complaint] =
    [new Numbers(words), hidden(make("table")), spoken(), make("div")];
  const player = new Player(words, [2, 5, 10, 30, 60], { go, halted: redraw });
  output.element.append(sums);
  const row = make("div", "lk-windows", image.element, numbers.element, output.element);
  el.append(complaint, row, player.element, said);
  player.slider.input.addEventListener("keydown", (event) => {
    const rows = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!rows) return;
    event.preventDefault();
    go(player.position + rows * windows.columns);
  });

  /** Draw what the window's place does not change. */
  const meet = () => {
    const { planes, height, width, padding, kind } = windows;
    const [high, wide] = [height + 2 * padding, width + 2 * padding];
    const level = (value) => clamp(Math.round((255 * (value - black)) / (1 - black)), 0, 255);
    const colours = planes.length === 3 ? planes : [planes[0], planes[0], planes[0]];
    paint(image.canvas, high, wide, (i) => {
      const [y, x] = [Math.floor(i / wide) - padding, (i % wide) - padding];
      if (y < 0 || y >= height || x < 0 || x >= width) return [0, 0, 0, 0];
      return [...colours.map((plane) => level(plane[y * width + x])), 255];
    });
    image.title.textContent = fill(words.picture, { height, width });
    image.below.textContent = padding ? words.padding : "";
    output.title.textContent = fill(words.output, { height: windows.rows, width: windows.columns });
    const [low, most] = [Math.min(...windows.output), Math.max(...windows.output)];
    output.below.textContent = fill(words.range, { low: rounded(low), high: rounded(most) });
    numbers.begin(windows);
    Object.assign(windows, { level, low, most });
  };
  const draw = ({ position: asked, ...shape }, width) => {
    const wanted = JSON.stringify(shape);
    if (wanted !== key) {
      try {
        ({ windows, black } = windowsOf(shape, model, scene, words));
        meet();
        complain(complaint, null);
      } catch (text) {
        if (typeof text !== "string") throw text;
        complain(complaint, text);
      }
      key = wanted;
    }
    const { rows, columns, last, low, most } = windows;
    const middle = Math.floor((last + 1) / 2) + Math.floor(columns / 2);
    const position = Math.min(asked ?? middle, last);
    paintGrey(output.canvas, windows.output.slice(0, position + 1), rows, columns, low, most);
    const [row, column] = [Math.floor(position / columns), position % columns];
    frameOn(output.frame, [row, row + 1, column, column + 1], rows, columns);
    const [top, left] = windows.corner(position).map((place) => place + windows.padding);
    const box = [top, top + windows.size[0], left, left + windows.size[1]];
    const padded = [windows.height, windows.width].map((side) => side + 2 * windows.padding);
    frameOn(image.frame, box, ...padded);
    numbers.show(windows, position, windows.level, width);
    sums.replaceChildren(...sumLines(windows, position, words));
    const text = sentence(windows, position, words);
    player.show(position, last, `${position + 1} / ${last + 1}`, text);
    // while it plays, nobody could listen so fast
    if (!player.timer) put(said, { textContent: text });
  };
  const other = () => {
    key = "";
    redraw();
  };
  const typed = (text) => change({ typed: text, kernel: scene.kernels.length - 1 });
  return { draw, acts: { typed }, hears: { "change:image": other }, end: () => player.halt() };
}
