// A walk down a loss of one or two weights, and beside it the loss over the steps.
// Python sends the whole walk once; every step is drawn here, within one frame.

const GRID = "#d0d0d0";
const GREEN = "#009e73";
const TOP = 26; // above a frame stands its title
const HIGH = 278; // a frame
const UNDER = 46; // below it stand numbers and the key

const plain = (value) => String(Number(value.toFixed(6))).replace("-", "−");

/** A rectangle of the canvas with the values of its edges. */
class Frame {
  constructor(left, top, right, bottom, [low, high], [floor, ceiling]) {
    Object.assign(this, { left, top, right, bottom, low, high, floor, ceiling });
  }

  x(value) {
    return this.left + ((value - this.low) / (this.high - this.low)) * (this.right - this.left);
  }

  y(value) {
    return this.bottom - ((value - this.floor) / (this.ceiling - this.floor)) * (this.bottom - this.top);
  }

  /** The values under a point of the canvas, or null outside. */
  under(x, y) {
    if (x < this.left || x > this.right || y < this.top || y > this.bottom) return null;
    const across = (x - this.left) / (this.right - this.left);
    const up = (this.bottom - y) / (this.bottom - this.top);
    return [this.low + across * (this.high - this.low), this.floor + up * (this.ceiling - this.floor)];
  }

  /** The nearest point inside, and whether that is the point itself. */
  nearest(x, y) {
    const at = [clamp(x, this.left, this.right), clamp(y, this.top, this.bottom)];
    return [...at, at[0] === x && at[1] === y];
  }
}

/** What Python sent, the landscape and each step of the walk, laid out on a stage of a width. */
class Scene {
  constructor(model, width) {
    this.width = width;
    for (const name of ["reach", "heights", "marks", "levels", "colours", "places", "words"])
      this[name] = model.get(name);
    this.curve = unpacked(model.get("curve"), Float64Array);
    this.weights = unpacked(model.get("weights"), Float64Array);
    this.slopes = unpacked(model.get("slopes"), Float64Array);
    this.losses = unpacked(model.get("losses"), Float64Array);
    this.count = this.losses.length;
    this.flat = this.reach.length === 2; // seen from above
    const wide = width >= 600; // else the losses stand below
    const across = Math.min(380, wide ? (width - 160) / 2 : width - 90);
    const [left, top] = wide ? [width - 36 - across, TOP] : [56, 2 * TOP + HIGH + UNDER];
    this.chart = new Frame(left, top, left + across, top + HIGH, [0, this.count - 1], this.heights);
    this.height = top + HIGH + UNDER;
    const place = [50, TOP, 50 + across, TOP + HIGH];
    this.ground = this.flat ? this.square(...place) : new Frame(...place, this.reach[0], this.heights);
  }

  /** The frame of a map: a step looks equally long in both directions. */
  square(left, top, right, bottom) {
    const [wide, high] = this.reach.map(([low, most]) => most - low);
    const scale = Math.min((right - left) / wide, (bottom - top) / high);
    const [x, y] = [(left + right - wide * scale) / 2, (top + bottom + high * scale) / 2];
    return new Frame(x, y - high * scale, x + wide * scale, y, ...this.reach);
  }

  /** Where the walk is on the ground after a step, in pixels. */
  spot(step) {
    if (!this.flat) return [this.ground.x(this.weights[step]), this.ground.y(this.losses[step])];
    const [x, y] = [this.weights[2 * step], this.weights[2 * step + 1]];
    return [this.ground.x(x), this.ground.y(y)];
  }
}
