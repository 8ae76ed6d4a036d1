// A walk down a loss, and beside it the loss over the steps (the arithmetic: `walks.js`).

const [TOP, HIGH, UNDER] = [26, 278, 46]; // a title above each frame; numbers and the key below
const BANDS = 14; // of height on a map

/** The losses at points of the ground, `count` along its longest side, row by row from above. */
function heights({ name, reach }, count) {
  const [loss] = LOSSES[name];
  const density = (count - 1) / Math.max(...reach.map(([low, high]) => high - low));
  const [across, up = [0]] = reach.map(([low, high]) => {
    const most = Math.round((high - low) * density);
    return range(most + 1).map((n) => low + ((high - low) * n) / most);
  });
  return { across, up, losses: [...up].reverse().flatMap((w) => across.map((v) => loss(v, w))) };
}

/** What is drawn of a landscape, whatever walks on it. */
class Ground {
  constructor(ground, colours) {
    const { across, losses } = heights(ground, 121);
    const [low, high] = [Math.min(...losses), Math.max(...losses)];
    Object.assign(this, ground, { flat: ground.reach.length === 2, colours, low, high });
    this.ends = [low - 0.12 * (high - low), high]; // with room below for a word
    this.curve = across.map((weight, i) => [weight, losses[i]]);
    this.levels = range(BANDS + 1).map((n) => low + (high - low) * (n / BANDS) ** 1.6);
    this.map = this.flat ? this.painted() : "";
  }

  /** Bands of height, with lines between them, as an image. */
  painted() {
    const { across, up, losses } = heights(this, 400);
    const between = this.levels.slice(1, -1);
    const bands =
      losses.map((loss) => between.reduce((count, level) => count + (loss >= level), 0));
    const colours =
      this.colours.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
    const canvas = make("canvas");
    paint(canvas, up.length, across.length, (i) => {
      const edge = bands[i] !== bands[i + across.length] || bands[i] !== bands[i + 1];
      const inner = i + across.length < bands.length && (i + 1) % across.length;
      return [...(edge && inner ? [102, 120, 138] : colours[bands[i]]), 255];
    });
    return canvas.toDataURL();
  }

  /** Where ground and losses lie on a stage of that width. */
  plan(width, steps) {
    const wide = width >= 600; // else the losses stand below
    const across = Math.min(380, wide ? (width - 160) / 2 : width - 90);
    const [left, top] = wide ? [width - 36 - across, TOP] : [56, 2 * TOP + HIGH + UNDER];
    const chart = new Frame([left, top, left + across, top + HIGH], [0, steps], this.ends);
    const place = [50, TOP, 50 + across, TOP + HIGH];
    const ground = this.flat ? this.square(...place) : new Frame(place, this.reach[0], this.ends);
    return { ground, chart, height: top + HIGH + UNDER };
  }

  /** The frame of a map: a step looks equally long in both directions. */
  square(left, top, right, bottom) {
    const [wide, high] = this.reach.map(([low, most]) => most - low);
    const scale = Math.min((right - left) / wide, (bottom - top) / high);
    const [x, y] = [(left + right - wide * scale) / 2, (top + bottom + high * scale) / 2];
    return new Frame([x, y - high * scale, x + wide * scale, y], ...this.reach);
  }

  draw({ ground, chart }, words) {
    const { left, top, right, bottom } = ground;
    const title = fill(words.title, { formula: this.formula });
    const name = "lk-title";
    const room = (chart.top === TOP ? chart.left - 24 : chart.right) - 50; // up to the other title
    const parts = [
      text(title, 50, 16, { name, most: room }),
      text(words.losses, chart.left, chart.top - 10, { name, most: chart.right - chart.left }),
    ];
    const middle = (chart.left + chart.right) / 2;
    parts.push(text(words.step, middle, chart.bottom + 42, { anchor: "middle" }));
    parts.push(text(this.flat ? "w₁" : "w", right + 14, bottom + 15));
    if (this.flat) {
      const box = { x: left, y: top, width: right - left, height: bottom - top };
      parts.push(tag("image", { ...box, href: this.map, preserveAspectRatio: "none" }));
      parts.push(text("w₂", left - 8, top + 10, { anchor: "end" }));
      this.colours.forEach((colour, i) => {
        const [floor, ceiling] = [chart.y(this.levels[i]), chart.y(this.levels[i + 1])];
        const band = { x: chart.left - 14, y: ceiling, width: 14, height: floor - ceiling + 0.5 };
        parts.push(tag("rect", { ...band, fill: colour })); // the key to the map's bands
      });
    } else {
      const curve = this.curve.map(([weight, loss]) => [ground.x(weight), ground.y(loss)]);
      parts.push(ground.inside([polyline(curve, "lk-curve")]));
    }
    const losses = ticks(this.low, this.high);
    const up =
      this.flat ? ticks(...this.reach[1]).filter((mark) => ground.y(mark) > top + 20) : losses;
    parts.push(ground.axes({ up, lines: !this.flat }));
    parts.push(chart.axes({ up: losses, beside: this.flat ? 14 : 0 }));
    return [...parts, onGround(this.flat, this.named(ground))].join("");
  }

  /** The places where the slope is zero. */
  named(frame) {
    const [loss] = LOSSES[this.name];
    return this.places.map(({ weights, kind, label }) => {
      const [x, y] = [frame.x(weights[0]), frame.y(this.flat ? weights[1] : loss(...weights))];
      const above = kind === "top" || (this.flat && kind === "local"); // a saddle is near it
      const [beside, down, anchor] =
        kind === "saddle" ? [10, -5, "start"] : [0, above ? -12 : 20, "middle"];
      const d = `M${x - 5} ${y}h10M${x} ${y - 5}v10`;
      const cross = tag("path", { class: "lk-rim", d }) + tag("path", { class: "lk-cross", d });
      return cross + text(label, x + beside, y + down, { anchor });
    });
  }
}

/** What stands on a map, whose colours are pale on a dark page too. */
const onGround = (flat, parts) => tag("g", { class: flat ? "lk-on-map" : "" }, parts.join(""));

/** The walk up to a step, on the ground and over the steps. */
function drawWalk(walk, position, { flat }, { ground, chart }, words) {
  const steps = range(position + 1).filter((step) => Number.isFinite(walk.losses[step]));
  const spot = (step) =>
    [ground.x(walk.weights[step][0]), ground.y(flat ? walk.weights[step][1] : walk.losses[step])];
  const spots = steps.map(spot);
  const losses = steps.map((step) => [chart.x(step), chart.y(walk.losses[step])]);
  const [here, there] = [nearest(ground, spots.at(-1)), nearest(chart, losses.at(-1))];
  const far = fill(words.left, { loss: inWords(walk.losses[position], words) });
  const slope = flat ? downhill : tangent;
  const arrow = here.inside ? slope(here, walk.slopes[steps.at(-1)], ground) : "";
  const walked = onGround(flat, [trail(ground, spots), arrow, walker(ground, spots.at(-1), far)]);
  const same = !flat && chart.top === ground.top && here.inside && there.inside;
  const level = // at one height, with room for the numbers between the frames
    [[here.x, ground.right, here.y], [chart.left, there.x, there.y]].map(([from, to, y]) =>
      same ? polyline([[from, y], [to, y]], "lk-level") : "");
  return [...level, walked, trail(chart, losses), walker(chart, losses.at(-1), far)].join("");
}

/** The nearest point inside a frame, and whether that is the point itself. */
function nearest(frame, [x, y]) {
  const at = { x: clamp(x, frame.left, frame.right), y: clamp(y, frame.top, frame.bottom) };
  return { ...at, inside: at.x === x && at.y === y };
}

function trail(frame, all) {
  const near = all.map((place) => place.map((part) => clamp(part, -1e4, 1e4)));
  const [x, y] = near[0];
  const dots = near.slice(1).map(([cx, cy]) => tag("circle", { class: "lk-dot", cx, cy, r: 2.6 }));
  const start = tag("rect", { class: "lk-start", x: x - 4.5, y: y - 4.5, width: 9, height: 9 });
  return frame.inside([polyline(near, "lk-rim"), polyline(near, "lk-trail"), ...dots, start]);
}

function tangent({ x, y }, [slope], frame) {
  const unit = [frame.x(1) - frame.x(0), -(frame.y(1) - frame.y(0)) * slope];
  const [right, up] = unit.map((part) => (46 * part) / Math.hypot(...unit));
  return frame.inside([polyline([[x - right, y + up], [x + right, y - up]], "lk-slope")]);
}

/** An arrow straight downhill on a map. */
function downhill({ x, y }, slopes) {
  const steep = Math.hypot(...slopes);
  if (steep < 1e-3) return "";
  const [dx, dy] = [-slopes[0] / steep, slopes[1] / steep];
  const length = 16 + 14 * Math.min(2, steep);
  const tip = [x + dx * length, y + dy * length];
  const wing = (side) => [tip[0] - 8 * dx + side * 5 * dy, tip[1] - 8 * dy - side * 5 * dx];
  const arrow = [[x, y], tip, wing(1), tip, wing(-1)];
  return polyline(arrow, "lk-rim") + polyline(arrow, "lk-slope");
}

/** The walker itself; where it has left the frame, a triangle at the edge points to it. */
function walker(frame, point, far) {
  const { x, y, inside } = nearest(frame, point);
  if (inside) return tag("circle", { class: "lk-walker", cx: x, cy: y, r: 7 });
  const turned = (Math.atan2(point[1] - y, point[0] - x) * 180) / Math.PI;
  const place = `translate(${x} ${y}) rotate(${turned})`;
  const at =
    [clamp(x, frame.left + 130, frame.right - 130), clamp(y, frame.top + 34, frame.bottom - 20)];
  const said = text(far, ...at, { name: "lk-title", anchor: "middle" });
  return tag("path", { class: "lk-dot", d: "M2 0L-14 -9V9Z", transform: place }) + said;
}

function key(flat, words) {
  const y = TOP + HIGH + UNDER - 8;
  const parts = [
    tag("rect", { class: "lk-start", x: 50, y: y - 4.5, width: 9, height: 9 }),
    tag("circle", { class: "lk-dot", cx: 114, cy: y, r: 5 }),
    polyline([[166, y], [186, y]], "lk-slope"),
  ];
  const names = [[64, words.begin], [124, words.now], [192, flat ? words.downhill : words.slope]];
  return [...parts, ...names.map(([x, name]) => text(name, x, y + 4))].join("");
}

function begin({ model, el, scene, words, change }) {
  let [ground, walk, wanted, places, seen] = [null, null, "", null, ""];
  const [box, land, walked] = [hidden(drawing()), drawing("g"), drawing("g")];
  box.append(land, walked);
  const [said, reset, step] =
    [spoken(), button(() => halt(0)), button(() => halt(player.position + 1))];
  const go = (position) => change({ position: clamp(position, 0, scene.steps) });
  const speak = () => (said.textContent = walk.sentence(player.position, words));
  const player = new Player(words, [2, 5, 10, 30], { go, halted: speak, others: [reset, step] });
  const halt = (position) => {
    player.pause();
    go(position);
  };
  box.classList.add("lk-walk");
  el.append(box, player.element, said);
  reset.show({ label: `↺ ${words.reset}` });

  let dragging = false;
  const point = (event) => {
    dragging = event.type === "pointerdown" || (dragging && event.buttons > 0);
    const { left, top } = box.getBoundingClientRect();
    const found = dragging && places.ground.under(event.clientX - left, event.clientY - top);
    if (!found) return;
    const [first, second] = found.map((weight) => Math.round(weight / 0.05) * 0.05);
    change(ground.flat ? { first, second } : { first });
  };
  box.addEventListener("pointerdown", point);
  box.addEventListener("pointermove", point);

  const draw = ({ position, ...settings }, width) => {
    const { landscape, optimizer, rate, momentum, first, second } = settings;
    const chosen = scene.grounds[landscape];
    if (chosen.name !== ground?.name) ground = new Ground(chosen, scene.colours);
    if (wanted !== JSON.stringify(settings)) {
      const start = [first, second].slice(0, chosen.reach.length);
      const how = [scene.optimizers[optimizer], scene.rates[rate], scene.momenta[momentum]];
      walk = new Walk(chosen, ...how, start, scene.steps);
      wanted = JSON.stringify(settings);
    }
    if (seen !== `${landscape} ${width}`) {
      places = ground.plan(width, scene.steps);
      box.style.height = `${places.height}px`;
      land.innerHTML = ground.draw(places, words) + key(ground.flat, words);
      seen = `${landscape} ${width}`;
    }
    walked.innerHTML = drawWalk(walk, position, ground, places, words);
    step.show({ label: `→ ${words["one step"]}`, disabled: position >= scene.steps });
    const place = `${position} / ${scene.steps}`;
    player.show(position, scene.steps, place, walk.sentence(position, words));
    if (!player.timer) speak(); // while it plays, nobody could listen so fast
    const [ends, others = []] = chosen.reach;
    const side = ([minimum, maximum]) => ({ minimum, maximum });
    const label = ground.flat ? words["first weight"] : words.weight;
    return { first: { ...side(ends), label }, second: { ...side(others), hidden: !ground.flat } };
  };
  const enter = (landscape) => {
    const [first, second = 0] = scene.grounds[landscape].start;
    change({ landscape, first, second });
  };
  return { draw, acts: { landscape: enter }, end: () => player.halt() };
}
