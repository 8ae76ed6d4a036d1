// What the stages share: colours, a brush, and what lets them play. Python puts this text before
// that of each stage (`looks.script`), because a module in a notebook cannot import another.

const INK = "#1a1a1a";
const MUTED = "#5c5c5c";
const ORANGE = "#d55e00";
const BLUE = "#0072b2";

/** Fill in a sentence: fill("{n} of {total}", {n: 1, total: 2}). */
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Write a minus as a minus; nothing is "-0.000". */
const withMinus = (text) => text.replace("-", Number(text) === 0 ? "" : "−");
const fixed = (value) => withMinus(value.toFixed(3));

/** A number in a narrow cell: .53, −1, 12.5 */
function short(value, digits = 2) {
  return withMinus(Number(value.toFixed(digits)).toString()).replace(/^(−?)0\./, "$1.");
}

/** A brightness as a shade of grey with ink that can be read on it. */
function shade(level) {
  return { fill: `rgb(${level},${level},${level})`, colour: level > 118 ? INK : "#fff" };
}

/** Negative numbers on blue, positive on orange; their sign stands there as well. */
function signed(values) {
  const most = Math.max(...values.map(Math.abs)) || 1;
  return (value) => {
    const part = Math.min(1, Math.abs(value) / most) * 0.45;
    return { fill: value < 0 ? `rgba(0,114,178,${part})` : `rgba(213,94,0,${part})` };
  };
}

/** The numbers that Python sent, as an array of that kind. */
const unpacked = (view, Kind) =>
  new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

/** Writes and frames on a canvas context. */
class Brush {
  size = 13;

  constructor(context) {
    this.context = context;
  }

  text(words, x, y, { size = this.size, colour = INK, weight = "normal", align = "left", halo, wide } = {}) {
    const { context } = this;
    context.font = `${weight} ${size}px system-ui, sans-serif`;
    context.textAlign = align;
    context.textBaseline = "middle";
    if (halo) {
      context.lineJoin = "round";
      context.lineWidth = 3.5;
      context.strokeStyle = "rgba(255, 255, 255, 0.85)";
      context.strokeText(words, x, y, wide);
    }
    context.fillStyle = colour;
    context.fillText(words, x, y, wide);
  }

  /** A frame with a white edge, so that it stands out on any image. */
  outline(x, y, width, height, colour, thickness) {
    const { context } = this;
    for (const [style, line] of [["#fff", thickness + 2], [colour, thickness]]) {
      context.strokeStyle = style;
      context.lineWidth = line;
      context.strokeRect(x, y, width, height);
    }
  }
}

/** A canvas as wide as its stage, in the page's own points, and as sharp as the screen. */
class Sheet {
  width = 0; // until the stage stands on the page

  /** `paint` is called whenever the stage has another width. */
  constructor(canvas, paint) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.observer = new ResizeObserver(() => {
      const width = Math.min(canvas.parentElement.clientWidth, 880);
      if (!width || width === this.width) return;
      this.width = width;
      paint();
    });
    this.observer.observe(canvas.parentElement);
  }

  /** Return the context of a white sheet that is so high. */
  blank(height) {
    const { canvas, context, width } = this;
    const ratio = Math.max(2, window.devicePixelRatio);
    const size = [width, height].map((points) => Math.round(points * ratio));
    if (canvas.width !== size[0] || canvas.height !== size[1]) {
      [canvas.width, canvas.height] = size;
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    return context;
  }
}

/** Where an event of the mouse is, in points of the stage. */
function under(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

/** In JupyterLab a key pressed on a control is also a command, unless it says that it is not. */
function keepKeys(controls) {
  for (const control of controls) control.setAttribute("data-lm-suppress-shortcuts", "true");
}

/** Offer so many steps a second; 10 are chosen. */
function offerPaces(select, paces, words) {
  for (const pace of paces) {
    const text = fill(words["a second"], { n: pace });
    select.add(new Option(text, pace, pace === 10, pace === 10));
  }
}

/** Goes on by itself while it plays, from the start where it stands at the end. */
class Player {
  /** `at` and `last` tell where it is and where it ends, `go` goes there, `halted` hears of a halt. */
  constructor({ button, select, words }, { at, last, go, halted }) {
    Object.assign(this, { button, select, words, at, last, go, halted, timer: null });
    button.addEventListener("click", () => this.toggle());
    select.addEventListener("change", () => {
      if (!this.timer) return;
      this.pause();
      this.play();
    });
    this.halt();
  }

  toggle() {
    this.timer ? this.pause() : this.play();
  }

  play() {
    if (this.at() >= this.last()) this.go(0);
    this.timer = setInterval(() => {
      this.go(this.at() + 1);
      if (this.at() >= this.last()) this.pause();
    }, 1000 / Number(this.select.value));
    this.button.textContent = `❚❚ ${this.words.pause}`;
  }

  pause() {
    this.halt();
    this.halted();
  }

  halt() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.textContent = `▶ ${this.words.play}`;
  }
}
