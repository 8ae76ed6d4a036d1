// Charts as SVG, in points of the page: letters keep their size however wide the chart is.

const tag = (name, attributes, inside = "") => {
  const written = Object.entries(attributes).map(([key, value]) => `${key}="${value}"`);
  return `<${name} ${written.join(" ")}>${inside}</${name}>`;
};
/** Words at a place; what may need more than `most` points is set closer. */
const text = (words, x, y, { name = "", anchor = "start", most = Infinity } = {}) => {
  const closer =
    7 * words.length > most ? { textLength: most, lengthAdjust: "spacingAndGlyphs" } : {};
  return tag("text", { class: name, x, y, "text-anchor": anchor, ...closer }, words);
};
const points = (all) =>
  all.map((place) => place.map((part) => part.toFixed(1)).join(",")).join(" ");
const polyline = (all, name) => tag("polyline", { class: name, points: points(all) });

/** Round numbers from low to high, about five of them. */
function ticks(low, high) {
  const power = 10 ** Math.floor(Math.log10((high - low) / 5));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= (high - low) / 6);
  const first = Math.ceil(low / step - 1e-9);
  return range(Math.floor(high / step + 1e-9) - first + 1)
    .map((n) => Number(((first + n) * step).toFixed(9)));
}

/** A rectangle with the values at its edges: those across, then those upwards. */
class Frame {
  constructor([left, top, right, bottom], [low, high], [floor, ceiling]) {
    Object.assign(this, { left, top, right, bottom, low, high, floor, ceiling });
  }

  x(value) {
    return this.left + ((value - this.low) / (this.high - this.low)) * (this.right - this.left);
  }

  y(value) {
    return this.bottom
      - ((value - this.floor) / (this.ceiling - this.floor)) * (this.bottom - this.top);
  }

  /** The values under a point of the chart, or null outside. */
  under(x, y) {
    if (x < this.left || x > this.right || y < this.top || y > this.bottom) return null;
    const across = (x - this.left) / (this.right - this.left);
    const up = (this.bottom - y) / (this.bottom - this.top);
    const [wide, high] = [this.high - this.low, this.ceiling - this.floor];
    return [this.low + across * wide, this.floor + up * high];
  }

  /** The numbers at both axes, with lines across the chart where `lines` is true. */
  axes({
    across = ticks(this.low, this.high),
    up = ticks(this.floor, this.ceiling),
    lines = true,
    beside = 0,
  } = {}) {
    const { left, right, bottom } = this;
    const shown = (value) => written(String(value));
    const rows = up.flatMap((value) => {
      const y = this.y(value);
      const grid =
        lines ? tag("line", { class: "lk-rule", x1: left, x2: right, y1: y, y2: y }) : "";
      return [grid, text(shown(value), left - 6 - beside, y + 4, { anchor: "end" })];
    });
    const columns =
      across.map((value) => text(shown(value), this.x(value), bottom + 15, { anchor: "middle" }));
    return [...rows, ...columns].join("");
  }

  /** Cut off what is outside, but for a few points of lines. */
  inside(parts) {
    const { left, top, right, bottom } = this;
    const id = `lk-clip-${Math.random().toString(36).slice(2)}`;
    const box =
      tag("rect", { x: left - 6, y: top, width: right - left + 12, height: bottom - top + 6 });
    return tag("clipPath", { id }, box) + tag("g", { "clip-path": `url(#${id})` }, parts.join(""));
  }
}
