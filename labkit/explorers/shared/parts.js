// What the scripts of all explorers share: words and numbers, elements, painted pixels. Python puts
// this text before theirs (`stage.script`), because a module in a notebook cannot import another.

const [INK, MUTED, ORANGE, BLUE] = ["#1a1a1a", "#5c5c5c", "#d55e00", "#0072b2"];

/** Fill in a sentence with values that are written already: fill("{n} of {total:,}", {...}). */
const fill = (text, values) => text.replace(/\{(\w+)[^}]*\}/g, (_, name) => values[name]);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const total = (values) => values.reduce((sum, value) => sum + value, 0);
const range = (count) => [...Array(count).keys()];

/** What the language of the page writes for "," "." and "%"; else they stay. */
let signs = {};

/** Write a number as the language does, its minus as a minus; nothing is "-0.000". */
function written(text) {
  const plain = text.replace("-", Number(text) === 0 ? "" : "−");
  return plain.replace(/(?<=\d)[.,](?=\d)|(?<=\d)%/g, (sign) => signs[sign] ?? sign);
}
const fixed = (value, digits = 3) => written(value.toFixed(digits));
const percent = (share, digits = 1) => written(`${(100 * share).toFixed(digits)}%`);

/** Numbers in a row; where decimals have a comma, semicolons stand between them. */
const inRow = (texts) => texts.join(signs["."] === "," ? "; " : ", ");

/** Thousands with commas: 1,234.50 */
function grouped(value, digits = 0) {
  const useGrouping = signs.language === "es" ? "min2" : true; // four digits stay together
  const options = { useGrouping, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return written(value.toLocaleString("en", options));
}

/** A number in a sentence: 0.53, −1, 12.5 */
const rounded = (value, digits = 2) => written(Number(value.toFixed(digits)).toString());

/** A number in a narrow cell: .53, .90, −1; where decimals have a comma, the 0 always stands. */
const short = (value, digits = 2) =>
  fixed(value, Number.isInteger(value) ? 0 : digits).replace(/^(−?)0(?=\.)/, "$1");

/** The numbers that Python sent, as an array of that kind. */
const unpacked = (view, Kind) =>
  new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

/** An element with a class and children; texts are taken as they are. */
function make(tag, name = "", ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Set what is other than it was: the browser lays out again only what changes. */
function put(element, news) {
  for (const [name, value] of Object.entries(news))
    if (String(element[name]) !== String(value)) element[name] = value;
}

/** An element of a drawing: "svg" or one inside it. */
const drawing = (tag = "svg") => document.createElementNS("http://www.w3.org/2000/svg", tag);

/** Act when the next frame has been painted: the eye does not wait for it. */
const afterPaint = (act) => requestAnimationFrame(() => setTimeout(act));

/** For the eye alone: what it shows is said beside it. */
function hidden(element) {
  element.setAttribute("aria-hidden", "true");
  return element;
}

/** A sentence that a screen reader speaks whenever it changes. */
function spoken(name = "") {
  const element = make("p", name);
  element.setAttribute("role", "status");
  return element;
}

/** In JupyterLab a key pressed on a control is also a command, unless it says that it is not. */
function keepKeys(controls) {
  for (const control of controls) control.setAttribute("data-lm-suppress-shortcuts", "true");
}

/** The same for all controls around an element of an explorer; return what ends it. */
function keepAllKeys(el) {
  const keep = ({ target }) => keepKeys([target]);
  const attached = new ResizeObserver(() =>
    el.closest(".lk-explorer")?.addEventListener("focusin", keep),
  );
  attached.observe(el);
  return () => attached.disconnect();
}

/**
 * Something to choose from by arrow keys, heard as a slider: a reader says each choice. `move`
 * hears of steps down and to the right, `turn` of page up and page down, `enter` of Enter.
 */
function chooser(element, label, { move, enter, turn }) {
  element.tabIndex = 0;
  element.setAttribute("role", "slider");
  element.setAttribute("aria-label", label);
  element.setAttribute("aria-valuemin", 0);
  keepKeys([element]);
  element.addEventListener("keydown", (event) => {
    const [down, right] = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
      Home: [0, -Infinity], End: [0, Infinity],
    }[event.key] ?? [0, 0];
    const page = { PageUp: -1, PageDown: 1 }[event.key];
    if (down || right) move(down, right);
    else if (turn && page) turn(page);
    else if (event.key === "Enter" || event.key === " ") enter?.();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** What stands at a chooser, for the eye and for the ear. */
function stand(element, now, most, text) {
  element.setAttribute("aria-valuemax", most);
  element.setAttribute("aria-valuenow", now);
  element.setAttribute("aria-valuetext", text);
}

/** Listen to a model: {"change:scene": draw}; return what ends it. */
function follow(model, listeners) {
  for (const [events, listener] of Object.entries(listeners)) model.on(events, listener);
  return () => {
    for (const [events, listener] of Object.entries(listeners)) model.off(events, listener);
  };
}

/** Paint pixels, one of the canvas for each: `colour(i)` gives [red, green, blue, opacity]. */
function paint(canvas, height, width, colour) {
  if (canvas.width !== width || canvas.height !== height)
    [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  for (let i = 0; i < height * width; i++) data.data.set(colour(i), 4 * i);
  context.putImageData(data, 0, 0);
  canvas.painted = "";
}

/** Paint numbers from black at `low` to white at `high`, as many as there are. */
function paintGrey(canvas, values, height, width, low, high) {
  const scale = 255 / (high - low || 1);
  paint(canvas, height, width, (i) => {
    const level = (values[i] - low) * scale;
    return [level, level, level, i < values.length ? 255 : 0];
  });
}

/** Paint [height, width, 3 or 4] bytes, if it was not they that were painted last. */
function paintColours(canvas, bytes, height, width) {
  const [news, parts] = [String(bytes), bytes.length / (height * width)];
  if (canvas.painted === news) return;
  paint(canvas, height, width, (i) =>
    [...bytes.subarray(parts * i, parts * i + parts), 255].slice(0, 4));
  canvas.painted = news;
}

/** Put a frame on a map: from row `top` to before `bottom`, column `left` to before `right`. */
function frameOn(frame, [top, bottom, left, right], height, width) {
  Object.assign(frame.style, {
    top: `${(100 * top) / height}%`, height: `${(100 * (bottom - top)) / height}%`,
    left: `${(100 * left) / width}%`, width: `${(100 * (right - left)) / width}%`,
  });
}

/** A brightness as a shade of grey with ink that can be read on it: 4.5 to 1 at least. */
function shade(level) {
  return { fill: `rgb(${level},${level},${level})`, colour: level > 117 ? "#000" : "#fff" };
}

/** Negative numbers on blue, positive on orange; their sign stands there as well. */
function signed(values) {
  const most = Math.max(...values.map(Math.abs)) || 1;
  return (value) => {
    const part = Math.min(1, Math.abs(value) / most) * 0.45;
    const ink = value < 0 ? [0, 114, 178] : [213, 94, 0];
    return { fill: `rgb(${ink.map((level) => Math.round(255 + (level - 255) * part))})` };
  };
}

/** A grid of more columns than this, or of narrow ones, is shown in colour alone. */
const READABLE = 7;

/** Numbers in a grid, each on its ground: `style(value, i)` gives `fill`, `colour` and `mark`. */
class NumberGrid {
  element = make("div", "lk-grid");
  shown = []; // how each cell looks

  show(values, columns, style, cell) {
    const { element, shown } = this;
    const tight = columns > READABLE || cell < 17;
    const narrow = cell < (short(0.5, 1) === ".5" ? 21 : 27); // a zero before the comma needs room
    element.classList.toggle("lk-tight", tight);
    put(element.style, {
      gridTemplateColumns: `repeat(${columns}, ${cell}px)`, gridAutoRows: `${cell}px`,
    });
    put(element.style, { lineHeight: `${cell}px`, letterSpacing: cell < 27 ? "-0.08em" : "" });
    if (shown.length !== values.length) {
      element.replaceChildren(...values.map(() => make("span")));
      shown.length = 0;
    }
    values.forEach((value, i) => {
      const { fill: background, colour: color = INK, mark = false } = style(value, i);
      const text = tight ? "" : short(value, narrow || Math.abs(value) >= 10 ? 1 : 2);
      const look = [text, background, color, mark].join();
      if (look === shown[i]) return;
      shown[i] = look;
      const square = element.children[i];
      square.textContent = text;
      square.classList.toggle("lk-winner", mark);
      Object.assign(square.style, { color, background });
    });
  }
}
