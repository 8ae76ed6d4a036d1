// Native controls, each under its name, and what lets a stage play.

/** A slider: arrow keys, Home and End, a name and a value that a screen reader can say. */
function slider(move) {
  const [name, input, output] = [make("span"), make("input"), make("output")];
  input.type = "range";
  input.addEventListener("input", () => move(Number(input.value)));
  /** Show a value; `texts` gives each position a word, `said` is what a screen reader says. */
  const show = ({ label, minimum, maximum, step, texts = [], value, disabled = false, said }) => {
    const word = texts.length ? texts[value] : written(String(Number(value.toFixed(6))));
    put(name, { textContent: label });
    put(input, { min: minimum, max: maximum, step, disabled, value, ariaValueText: said ?? word });
    put(output, { textContent: word });
  };
  return { element: make("label", "", name, input, output), input, output, show };
}

const FITTING = 12; // so many letters fit into a closed menu of one column

function menu(move) {
  const [name, input] = [make("span"), make("select")];
  input.addEventListener("change", () => move(input.selectedIndex));
  const element = make("label", "", name, input);
  const show = ({ label, options, value, wide }) => {
    put(name, { textContent: label });
    if (String([...input.options].map(({ text }) => text)) !== String(options))
      input.replaceChildren(...options.map((text) => new Option(text)));
    put(input, { selectedIndex: value });
    element.classList.toggle("lk-wide", wide || options.some(({ length }) => length > FITTING));
  };
  return { element, input, show };
}

function field(move) {
  const [name, input] = [make("span"), make("input")];
  input.type = "text";
  input.addEventListener("change", () => move(input.value));
  // JupyterLab keeps Enter from ending the line.
  input.addEventListener("keydown", ({ key }) => key === "Enter" && move(input.value));
  const show = ({ label, value }) => {
    put(name, { textContent: label });
    put(input, { value });
  };
  return { element: make("label", "", name, input), input, show };
}

/** A button; where it has a value, it stays pressed while that is true. */
function button(press) {
  const input = make("button", "jupyter-button");
  let pressed;
  input.type = "button";
  input.addEventListener("click", () => press(!pressed));
  const show = ({ label, disabled = false, value }) => {
    pressed = value;
    put(input, { textContent: label, disabled });
    if (value !== undefined) put(input, { ariaPressed: value });
    input.classList.toggle("mod-active", value === true);
  };
  return { element: input, input, show };
}

/** The controls that Python planned, in one row; `change(name, value)` hears of each move. */
class Controls {
  constructor(plans, change) {
    const kinds = { slider, menu, field, button };
    this.plans = plans;
    this.parts = {};
    this.element = make("div", "lk-controls lk-slider");
    for (const { kind, name, wide } of plans) {
      const part = kinds[kind]((value) => change(name, value));
      part.element.classList.toggle("lk-wide", wide ?? false);
      keepKeys([part.input]);
      this.parts[name] = part;
      this.element.append(part.element);
    }
  }

  /** Show the settings; `news` has what is other than planned, by name: {start: {minimum: -3}}. */
  show(settings, news = {}) {
    for (const plan of this.plans) {
      const now = { ...plan, value: settings[plan.name], ...news[plan.name] };
      this.parts[plan.name].show(now);
      this.parts[plan.name].element.hidden = now.hidden ?? false;
    }
  }
}

/** A complaint of what was typed, with a sign beside the colour; null takes it away. */
function complain(place, text) {
  place.replaceChildren();
  if (text === null) return;
  const said = make("p", "lk-complaint", make("strong", "", "⚠"), ` ${text}`);
  said.setAttribute("role", "alert");
  place.append(said);
}

/** A slider of steps from 0 to the last; they can go on by themselves, so many a second. */
class Player {
  timer = null;
  position = 0;

  /** `go` goes to a step, `halted` hears of a halt; `others` are buttons before the first. */
  constructor(words, paces, { go, halted, others = [] }) {
    Object.assign(this, { words, go, halted });
    this.button = button(() => this.toggle());
    this.slider = slider(go);
    this.speed = menu(() => {
      if (!this.timer) return;
      this.pause();
      this.play();
    });
    const options = paces.map((n) => fill(words["a second"], { n }));
    this.speed.show({ label: words.speed, options, value: paces.indexOf(10) });
    this.pace = () => paces[this.speed.input.selectedIndex];
    const parts = [...others, this.button, this.slider, this.speed];
    keepKeys(parts.map(({ input }) => input));
    this.slider.element.classList.add("lk-wide");
    this.element = make("div", "lk-controls lk-slider", ...parts.map(({ element }) => element));
    this.slider.input.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      if (!event.repeat) this.toggle();
    });
    this.halt();
  }

  /** Show a step, as `count` says it: "3 / 100". */
  show(position, last, count, said) {
    Object.assign(this, { position, last });
    const { position: label } = this.words;
    this.slider.show({ label, minimum: 0, maximum: last, step: 1, value: position, said });
    put(this.slider.output, { textContent: count });
  }

  toggle() {
    this.timer ? this.pause() : this.play();
  }

  play() {
    if (this.position >= this.last) this.go(0);
    this.timer = setInterval(() => {
      this.go(Math.min(this.position + 1, this.last));
      if (this.position >= this.last) this.pause();
    }, 1000 / this.pace());
    this.button.show({ label: `❚❚ ${this.words.pause}` });
  }

  pause() {
    this.halt();
    this.halted();
  }

  halt() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.show({ label: `▶ ${this.words.play}` });
  }
}

/**
 * A stage: the controls that Python planned, and below them what `begin` puts into the element. It
 * returns how to `draw` the settings on so many points of width, whenever anybody changes one, what
 * controls do beyond setting a value (`acts`), what else of the model it `hears`, and how to `end`.
 * `draw` may return news for the controls. Python hears of a change when it is on the screen, or at
 * once if it `answers` with what is shown elsewhere.
 */
function stage({ model, el }, begin) {
  let told = true;
  const tell = () => {
    if (!told) model.save_changes();
    told = true;
  };
  const change = (news) => {
    model.set("settings", { ...model.get("settings"), ...news });
    if (told) answers ? queueMicrotask(tell) : afterPaint(tell);
    told = false;
  };
  const controls = new Controls(model.get("controls"), (name, value) =>
    acts[name] ? acts[name](value) : change({ [name]: value }),
  );
  el.classList.add("lk-stage");
  if (controls.plans.length) el.append(controls.element);
  signs = model.get("signs");
  el.lang = signs.language.replace("_", "-");
  const [words, scene] = [model.get("words"), model.get("scene")];
  const made = begin({ model, el, change, words, scene, redraw: () => update() });
  const { draw, acts = {}, hears = {}, answers = false, end = () => {} } = made;
  let width = el.clientWidth;
  const update = () => {
    const settings = model.get("settings");
    controls.show(settings, draw(settings, width || 800)); // 0 before it is on the page
    el.dataset.drawn = JSON.stringify(settings);
  };
  update();
  const off = follow(model, { "change:settings": update, ...hears });
  const resized = new ResizeObserver(() => {
    if (el.clientWidth === width) return;
    width = el.clientWidth;
    update();
  });
  resized.observe(el);
  return () => {
    tell();
    end();
    off();
    resized.disconnect();
  };
}
