// Draws a walk down a loss (`walk_scene.js`), and lets it play, step and begin elsewhere.

/** Draws a scene on a sheet, up to a step of the walk. */
class Painter extends Brush {
  size = 12;

  constructor(sheet, scene, map, position) {
    super(sheet.blank(scene.height));
    Object.assign(this, { scene, map, position });
  }

  draw() {
    this.titles();
    if (this.scene.flat) this.fromAbove();
    else this.fromAside();
    this.named();
    this.losses();
    this.walk();
    this.key();
  }

  line(points, colour, thickness, dashes = []) {
    const { context } = this;
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.setLineDash(dashes);
    context.lineWidth = thickness;
    context.strokeStyle = colour;
    context.stroke();
    context.setLineDash([]);
  }

  disc(x, y, radius, colour) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
  }

  inside(frame, paint) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(frame.left - 6, frame.top, frame.right - frame.left + 12, frame.bottom - frame.top + 6);
    context.clip();
    paint();
    context.restore();
  }

  titles() {
    const { scene } = this;
    const { ground, chart, words } = scene;
    const look = { size: 13, weight: "bold", wide: chart.right - chart.left + 30 };
    this.text(words.title, 50, 12, look);
    this.text(words.losses, chart.left, chart.top - 14, look);
    this.text(words.step, chart.right + 8, chart.bottom, { colour: MUTED });
    this.text(scene.flat ? "w₁" : "w", ground.right + 10, ground.bottom, { size: 13, colour: MUTED });
    if (scene.flat) this.text("w₂", ground.left - 8, ground.top + 6, { size: 13, colour: MUTED, align: "right" });
  }

  axes(frame, across, up) {
    for (const mark of across) {
      this.line([[frame.x(mark), frame.bottom], [frame.x(mark), frame.bottom + 4]], INK, 1);
      this.text(plain(mark), frame.x(mark), frame.bottom + 15, { align: "center" });
    }
    for (const mark of up) {
      this.line([[frame.left, frame.y(mark)], [frame.left - 4, frame.y(mark)]], INK, 1);
      this.text(plain(mark), frame.left - 8, frame.y(mark), { align: "right" });
    }
  }

  fromAside() {
    const { scene } = this;
    const { ground, curve, marks } = scene;
    for (const mark of marks.loss) {
      const y = ground.y(mark);
      this.line([[ground.left, y], [ground.right, y]], GRID, 0.6);
    }
    this.axes(ground, marks.weights[0], marks.loss);
    this.line([[ground.left, ground.top], [ground.left, ground.bottom], [ground.right, ground.bottom]], INK, 1);
    const points = [];
    const last = curve.length - 1;
    curve.forEach((height, i) => {
      const weight = ground.low + (i / last) * (ground.high - ground.low);
      points.push([ground.x(weight), ground.y(height)]);
    });
    this.inside(ground, () => this.line(points, BLUE, 2.2));
  }

  fromAbove() {
    const { context, scene, map } = this;
    const { ground, marks } = scene;
    const size = [ground.right - ground.left, ground.bottom - ground.top];
    if (map.complete && map.naturalWidth) context.drawImage(map, ground.left, ground.top, ...size);
    context.lineWidth = 1;
    context.strokeStyle = INK;
    context.strokeRect(ground.left, ground.top, ...size);
    this.axes(ground, marks.weights[0], marks.weights[1].filter((mark) => ground.y(mark) > ground.top + 20));
  }

  /** The places where the slope is zero. */
  named() {
    const { scene } = this;
    for (const { weights, loss, kind, label } of scene.places) {
      const [x, y] = [scene.ground.x(weights[0]), scene.ground.y(scene.flat ? weights[1] : loss)];
      this.line([[x - 5, y], [x + 5, y]], INK, 1.5);
      this.line([[x, y - 5], [x, y + 5]], INK, 1.5);
      const above = kind === "top" || (scene.flat && kind === "local"); // a saddle is near it
      const [beside, down] = kind === "saddle" ? [10, -9] : [0, above ? -16 : 16];
      this.text(label, x + beside, y + down, { align: beside ? "left" : "center", halo: true });
    }
  }

  losses() {
    const { context, scene } = this;
    const { chart, marks, levels, colours } = scene;
    for (const mark of marks.loss) {
      const y = chart.y(mark);
      this.line([[chart.left, y], [chart.right, y]], GRID, 0.6);
    }
    if (scene.flat)
      colours.forEach((colour, i) => {
        const [low, high] = [chart.y(levels[i]), chart.y(levels[i + 1])];
        context.fillStyle = colour; // the key to the map's bands
        context.fillRect(chart.left - 14, high, 14, low - high + 0.5);
      });
    const shift = scene.flat ? 14 : 0;
    for (const mark of marks.loss)
      this.text(plain(mark), chart.left - 8 - shift, chart.y(mark), { align: "right" });
    this.axes(chart, marks.steps, []);
    this.line([[chart.left, chart.top], [chart.left, chart.bottom], [chart.right, chart.bottom]], INK, 1);
  }

  walk() {
    const { scene, position } = this;
    const { ground, chart } = scene;
    const steps = [...Array(position + 1).keys()].filter((step) => Number.isFinite(scene.losses[step]));
    const spots = steps.map((step) => scene.spot(step));
    const losses = steps.map((step) => [chart.x(step), chart.y(scene.losses[step])]);
    this.trail(ground, spots);
    this.trail(chart, losses);
    this.slope(spots.at(-1), steps.at(-1));
    const [here, there] = [ground.nearest(...spots.at(-1)), chart.nearest(...losses.at(-1))];
    const beside = chart.top === ground.top;
    if (!scene.flat && beside && here[2] && there[2])
      this.line([here.slice(0, 2), there.slice(0, 2)], MUTED, 0.8, [2, 4]); // the same height
    this.walker(ground, spots.at(-1), position);
    this.walker(chart, losses.at(-1), position);
  }

  trail(frame, points) {
    const shown = points.map(([x, y]) => [clamp(x, -1e4, 1e4), clamp(y, -1e4, 1e4)]);
    this.inside(frame, () => {
      this.line(shown, "#fff", 4);
      this.line(shown, ORANGE, 1.6);
      for (const [x, y] of shown.slice(1)) this.disc(x, y, 2.6, ORANGE);
      const [x, y] = shown[0];
      this.context.fillStyle = INK;
      this.context.fillRect(x - 4.5, y - 4.5, 9, 9);
    });
  }

  /** The tangent on a curve; on a map an arrow straight downhill. */
  slope(spot, step) {
    const { scene } = this;
    const { ground } = scene;
    const [x, y, seen] = ground.nearest(...spot);
    if (!seen) return;
    if (!scene.flat) {
      const unit = [ground.x(1) - ground.x(0), -(ground.y(1) - ground.y(0)) * scene.slopes[step]];
      const length = Math.hypot(...unit) / 46;
      const [right, up] = unit.map((part) => part / length);
      return this.inside(ground, () => this.line([[x - right, y + up], [x + right, y - up]], GREEN, 3));
    }
    const [along, across] = [-scene.slopes[2 * step], scene.slopes[2 * step + 1]];
    const steep = Math.hypot(along, across);
    if (steep < 1e-3) return;
    const length = 16 + 14 * Math.min(2, steep);
    const [dx, dy] = [along / steep, across / steep];
    const tip = [x + dx * length, y + dy * length];
    const wing = (side) => [tip[0] - 8 * dx + side * 5 * dy, tip[1] - 8 * dy - side * 5 * dx];
    for (const [colour, thickness] of [["#fff", 5.5], [GREEN, 3]]) {
      this.line([[x, y], tip], colour, thickness);
      this.line([wing(1), tip, wing(-1)], colour, thickness);
    }
  }

  /** The walker itself; where it has left the frame, a triangle at the edge points to it. */
  walker(frame, point, position) {
    const { context } = this;
    const [x, y, seen] = frame.nearest(...point);
    if (seen) {
      this.disc(x, y, 8.5, "#fff");
      return this.disc(x, y, 6.5, ORANGE);
    }
    const angle = Math.atan2(point[1] - y, point[0] - x);
    context.save();
    context.translate(x, y);
    context.rotate(angle);
    context.beginPath();
    [[2, 0], [-14, -9], [-14, 9]].forEach(([a, b]) => context.lineTo(a, b));
    context.closePath();
    context.fillStyle = ORANGE;
    context.fill();
    context.restore();
    const words = this.scene.words.left.replace("{loss}", this.scene.words.losses_read[position]);
    const align = x > (frame.left + frame.right) / 2 ? "right" : "left";
    const down = clamp(y, frame.top + 26, frame.bottom - 14);
    this.text(words, x + (align === "right" ? -14 : 14), down, { align, halo: true, weight: "bold" });
  }

  key() {
    const { context, scene } = this;
    const y = TOP + HIGH + UNDER - 8;
    context.fillStyle = INK;
    context.fillRect(50, y - 4.5, 9, 9);
    this.text(scene.words.start, 64, y, { colour: MUTED });
    this.disc(114, y, 5, ORANGE);
    this.text(scene.words.now, 124, y, { colour: MUTED });
    this.line([[166, y], [186, y]], GREEN, 3);
    const words = scene.flat ? scene.words.downhill : scene.words.slope;
    this.text(words, 192, y, { colour: MUTED, wide: scene.width - 200 });
  }
}

function build(el, words) {
  el.classList.add("lk-stage");
  el.innerHTML = `<canvas role="img"></canvas>
    <div class="lk-controls lk-slider"><button type="button" class="lk-reset"></button>
    <button type="button" class="lk-step"></button><button type="button" class="lk-play"></button>
    <label class="lk-wide"><span></span><input type="range" min="0" step="1"><output></output></label>
    <label><span></span><select></select></label></div><p role="status"></p>`;
  const find = (what) => el.querySelector(what);
  const [position, speed] = el.querySelectorAll("label span");
  position.textContent = words.steps;
  speed.textContent = words.speed;
  find(".lk-reset").textContent = `↺ ${words.reset}`;
  find(".lk-step").textContent = `→ ${words["one step"]}`;
  offerPaces(find("select"), [2, 5, 10, 30], words);
  keepKeys(el.querySelectorAll("button, input, select"));
  const names = ["canvas", ".lk-reset", ".lk-step", ".lk-play", "input", "output", "select", "p"];
  return Object.fromEntries(names.map((name) => [name.replace(".lk-", ""), find(name)]));
}

function render({ model, el }) {
  const parts = build(el, model.get("words"));
  const { canvas, reset, step, play: button, input: slider, output, select, p: said } = parts;
  const map = new Image();
  let scene = new Scene(model, 0);
  let dragging = false;

  const at = () => model.get("position");
  const last = () => scene.count - 1;
  const sentence = () => model.get("says")[at()] ?? model.get("said"); // all come after one
  const speak = () => (said.textContent = sentence());
  const say = () => {
    canvas.setAttribute("aria-label", sentence());
    slider.setAttribute("aria-valuetext", sentence());
    if (!player.timer) speak(); // while it plays, nobody could listen so fast
  };
  const go = (position) => {
    model.set("position", clamp(position, 0, last()));
    model.save_changes(); // at once: Python's echo of a step would undo later ones not yet sent
  };
  const player = new Player({ button, select, words: scene.words }, { at, last, go, halted: speak });
  const paint = () => {
    const position = at();
    if (sheet.width) new Painter(sheet, scene, map, position).draw();
    slider.max = last();
    slider.value = position;
    output.textContent = `${position} / ${last()}`;
    step.disabled = position >= last();
    say();
    Object.assign(canvas.dataset, { position, revision: model.get("revision") });
  };
  const keys = (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    if (!event.repeat) player.toggle();
  };
  const point = (event) => {
    dragging = event.type === "pointerdown" || (dragging && event.buttons > 0);
    if (!dragging) return;
    const place = canvas.places.ground.under(...under(canvas, event));
    if (place === null) return;
    model.set("chosen", scene.flat ? place : [place[0]]);
    model.save_changes();
  };
  const changed = () => {
    canvas.places = scene = new Scene(model, sheet.width);
    paint();
  };
  const sheet = new Sheet(canvas, changed);
  const chart = () => {
    if (model.get("map").byteLength)
      map.src = URL.createObjectURL(new Blob([model.get("map")], { type: "image/png" }));
  };
  const halt = (position) => {
    player.pause();
    go(position);
  };
  map.addEventListener("load", () => {
    URL.revokeObjectURL(map.src);
    paint();
  });
  reset.addEventListener("click", () => halt(0));
  step.addEventListener("click", () => halt(at() + 1));
  slider.addEventListener("input", () => go(Number(slider.value)));
  slider.addEventListener("keydown", keys);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointermove", point);
  model.on("change:position", paint);
  model.on("change:says", say);
  model.on("change:map", chart);
  model.on("change:revision", changed);
  chart();
  paint();
  return () => {
    player.halt();
    sheet.observer.disconnect();
    model.off("change:position", paint);
    model.off("change:says", say);
    model.off("change:map", chart);
    model.off("change:revision", changed);
  };
}

export default { render };
