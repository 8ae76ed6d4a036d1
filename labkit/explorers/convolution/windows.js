// The arithmetic of a window that moves over an image: convolution, and pooling.

/** All windows over planes of numbers, `height` x `width` each; the padding is 0. */
class Windows {
  constructor(planes, [height, width], { size, stride, padding = 0 }) {
    Object.assign(this, { planes, height, width, size, stride, padding });
    [this.rows, this.columns] = [height, width].map(
      (side, i) => Math.floor((side + 2 * padding - size[i]) / stride) + 1,
    );
    this.last = this.rows * this.columns - 1;
  }

  /** Row and column of the window's upper left pixel; negative in the padding. */
  corner(position) {
    const [row, column] = [Math.floor(position / this.columns), position % this.columns];
    return [row, column].map((place) => place * this.stride - this.padding);
  }

  /** The numbers of a plane under the window. */
  under(plane, position) {
    const [top, left] = this.corner(position);
    const values = [];
    for (let y = top; y < top + this.size[0]; y++)
      for (let x = left; x < left + this.size[1]; x++) {
        const inside = y >= 0 && y < this.height && x >= 0 && x < this.width;
        values.push(inside ? plane[y * this.width + x] : 0);
      }
    return values;
  }

  /** The window whose middle is nearest to a place of the padded image, in pixels. */
  nearest(y, x) {
    const along = (place, i, count) =>
      clamp(Math.round((place - this.size[i] / 2) / this.stride), 0, count - 1);
    return along(y, 0, this.rows) * this.columns + along(x, 1, this.columns);
  }
}

/** One filter, `weights` [C, k, k] in one list, over all planes. */
class Convolution extends Windows {
  constructor(planes, shape, { weights, bias, ...how }) {
    super(planes, shape, how);
    Object.assign(this, { bias, kind: "convolution" });
    const count = how.size[0] * how.size[1];
    this.weights = planes.map((_, c) => weights.slice(c * count, (c + 1) * count));
    this.output = range(this.last + 1).map((at) => total(this.sums(at)) + bias);
  }

  products(c, position) {
    return this.under(this.planes[c], position).map((value, i) => value * this.weights[c][i]);
  }

  /** What each plane adds. */
  sums(position) {
    return this.planes.map((_, c) => total(this.products(c, position)));
  }
}

/** The largest or the mean of each window of one plane. */
class Pooling extends Windows {
  constructor(plane, shape, kind, how) {
    super([plane], shape, how);
    this.kind = kind;
    const values = range(this.last + 1).map((at) => this.under(plane, at));
    const mean = (window) => total(window) / window.length;
    this.output = values.map((window) => (kind === "max" ? Math.max(...window) : mean(window)));
  }
}

/** The channels of [height, width, 3] bytes as numbers from `black` to 1. */
const channels = (bytes, black) =>
  [0, 1, 2].map((c) =>
    Array.from({ length: bytes.length / 3 }, (_, i) =>
      (bytes[3 * i + c] / 255) * (1 - black) + black),
  );

/** Read rows of numbers, "1 0 -1; 1 0 -1", as a filter of the channels' mean; throw a sentence. */
function readKernel(text, words, most) {
  const lines = text.split(/[;\n]/).filter((line) => line.trim());
  const rows = lines.map((line) => line.replaceAll(",", " ").trim().split(/\s+/));
  if (!rows.length || new Set(rows.map((row) => row.length)).size > 1) throw words.rectangle;
  const size = [rows.length, rows[0].length];
  if (Math.max(...size) > most)
    throw fill(words["too large"], { rows: size[0], columns: size[1], limit: most });
  const plane = rows.flat().map((word) => {
    const [above, below = "1"] = word.split("/");
    const value = above && below ? Number(above) / Number(below) : NaN;
    if (!Number.isFinite(value)) throw fill(words.number, { word });
    return value / 3;
  });
  return { weights: [...plane, ...plane, ...plane], size, bias: 0, learned: false };
}
