// A window moves over an image; beside it the numbers under it, and the output growing.
// Python sends whole arrays once; every move is drawn here, within one frame.

const TOP = 26; // above it stand the titles

/** What Python sent, and the arithmetic of one window. */
class Scene {
  constructor(model) {
    const get = (name) => model.get(name);
    [this.channels, this.height, this.width] = get("image_shape");
    [this.rows, this.columns] = get("output_shape");
    [this.kernelRows, this.kernelColumns] = get("size");
    this.kind = get("kind");
    this.stride = get("stride");
    this.padding = get("padding");
    this.bias = get("bias");
    this.channel = get("channel");
    this.black = get("black");
    this.image = unpacked(get("image"), Float32Array);
    this.output = unpacked(get("output"), Float32Array);
    this.kernel = unpacked(get("kernel"), Float32Array);
    this.winners = unpacked(get("winners"), Float32Array);
    this.words = get("words");
    this.low = Math.min(...this.output);
    this.high = Math.max(...this.output);
    this.planes = this.kind === "convolution" ? [...Array(this.channels).keys()] : [this.channel];
    this.portrait = this.paintPortrait();
  }

  get total() {
    return this.rows * this.columns;
  }

  corner(position) {
    const row = Math.floor(position / this.columns);
    const column = position % this.columns;
    return [row * this.stride - this.padding, column * this.stride - this.padding];
  }

  /** The pixel of a channel; 0 in the padding. */
  pixel(channel, row, column) {
    const inside = row >= 0 && row < this.height && column >= 0 && column < this.width;
    return inside ? this.image[(channel * this.height + row) * this.width + column] : 0;
  }

  patch(channel, position) {
    const [top, left] = this.corner(position);
    const values = [];
    for (let row = 0; row < this.kernelRows; row++)
      for (let column = 0; column < this.kernelColumns; column++)
        values.push(this.pixel(channel, top + row, left + column));
    return values;
  }

  weights(channel) {
    const count = this.kernelRows * this.kernelColumns;
    return Array.from(this.kernel.subarray(channel * count, (channel + 1) * count));
  }

  /** The place of the maximum within the patch. */
  winner(position) {
    const [top, left] = this.corner(position);
    const place = this.winners[position];
    return (Math.floor(place / this.width) - top) * this.kernelColumns + (place % this.width) - left;
  }

  sentence(position) {
    const values = {
      n: position + 1,
      total: this.total,
      row: Math.floor(position / this.columns) + 1,
      column: (position % this.columns) + 1,
      bias: fixed(this.bias),
      value: fixed(this.output[position]),
      sum: fixed(this.output[position] - this.bias),
      count: this.kernelRows * this.kernelColumns,
    };
    return fill(this.words[`says ${this.kind}`], values);
  }

  /** A pixel's brightness from 0 to 255. */
  level(value) {
    const part = (value - this.black) / (1 - this.black);
    return Math.round(Math.min(1, Math.max(0, part)) * 255);
  }

  /** The image itself, one canvas pixel for each of its own. */
  paintPortrait() {
    const canvas = document.createElement("canvas");
    canvas.width = this.width;
    canvas.height = this.height;
    const context = canvas.getContext("2d");
    const data = context.createImageData(this.width, this.height);
    const colour = this.kind === "convolution" && this.channels === 3;
    for (let row = 0; row < this.height; row++)
      for (let column = 0; column < this.width; column++)
        for (let c = 0; c < 4; c++) {
          const value = c === 3 ? 1 : this.pixel(colour ? c : this.planes[0], row, column);
          data.data[(row * this.width + column) * 4 + c] = this.level(value);
        }
    context.putImageData(data, 0, 0);
    return canvas;
  }
}
