// Plays Jupyter's part in a page without a kernel: it shows an explorer's controls and stages, and
// where Python would answer a control, one of the `answers` does. An explorer that cannot be shown
// leaves its still image.

const labkitSite = { fronts: {}, answers: {} };

/** The state of one widget, with what anywidget's `model` offers. */
class SiteModel {
  constructor({ kind, state, binary = {}, layout }, { heard }) {
    Object.assign(this, { kind, layout, heard, listeners: {}, state });
    for (const [path, text] of Object.entries(binary)) {
      const [name, inner] = path.split("/");
      if (inner) state[name][inner] = labkitSite.view(text);
      else state[name] = labkitSite.view(text);
    }
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    this.take(typeof name === "string" ? { [name]: value } : name);
  }

  /** Take several values at once, then tell of each that is new. */
  take(values) {
    const news = Object.keys(values).filter((name) => this.state[name] !== values[name]);
    Object.assign(this.state, values);
    const whole = news.length ? ["change"] : [];
    for (const event of [...news.map((name) => `change:${name}`), ...whole])
      for (const listener of this.listeners[event] ?? []) listener();
  }

  save_changes() {
    this.heard(this);
  }

  send(message, _callbacks, buffers = []) {
    this.heard(this, message, buffers);
  }

  on(events, listener) {
    for (const event of events.split(" ")) (this.listeners[event] ??= []).push(listener);
  }

  off(events, listener) {
    for (const event of events.split(" "))
      this.listeners[event] = (this.listeners[event] ?? []).filter((one) => one !== listener);
  }
}

labkitSite.view = (text) => new DataView(labkitSite.bytes(text).buffer);
labkitSite.bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** What Jupyter's own controls are here: plain elements with ipywidgets' class names. */
const CONTROLS = {
  VBox: (model, show) => box("widget-vbox", model, show),
  HBox: (model, show) => box("widget-hbox", model, show),
  HTML: (model) => {
    const made = element("div", "widget-html");
    follow(model, () => (made.innerHTML = model.get("value") ?? ""));
    return made;
  },
  Dropdown: (model) => {
    const select = element("select");
    select.addEventListener("change", () => tell(model, "index", select.selectedIndex));
    follow(model, () => {
      const texts = model.get("_options_labels");
      if (select.length !== texts.length)
        select.replaceChildren(...texts.map((text) => new Option(text)));
      select.selectedIndex = model.get("index") ?? -1;
    });
    return labelled("widget-dropdown", model, select);
  },
  Text: (model) => {
    const input = element("input");
    input.addEventListener("change", () => tell(model, "value", input.value));
    follow(model, () => (input.value = model.get("value")));
    return labelled("widget-text", model, input);
  },
};

function element(tag, name = "") {
  const made = document.createElement(tag);
  made.className = name;
  return made;
}

function box(name, model, show) {
  const made = element("div", `widget-container ${name}`);
  made.append(...model.get("children").map((child) => show(child.replace("IPY_MODEL_", ""))));
  return made;
}

let controls = 0;

function labelled(name, model, control) {
  const made = element("div", `widget-inline-hbox ${name}`);
  const words = element("label", "widget-label");
  words.textContent = model.get("description");
  words.htmlFor = control.id = `lk-control-${(controls += 1)}`;
  made.append(words, control);
  follow(model, () => (control.disabled = model.get("disabled") ?? false));
  return made;
}

function follow(model, update) {
  model.on("change", update);
  update();
}

function tell(model, name, value) {
  model.set(name, value);
  model.save_changes();
}

/** Build an explorer from what the page holds of it; return its element. */
labkitSite.build = ({ root, models: packed, kind, parts, data, hidden }) => {
  let answer = () => {};
  const heard = (...news) => answer(...news);
  const models = {};
  for (const [id, one] of Object.entries(packed))
    if (one.kind !== "Layout") models[id] = new SiteModel(one, { heard });
  const show = (id) => {
    const model = models[id];
    const front = labkitSite.fronts[model.kind];
    const made = front ? element("div") : CONTROLS[model.kind](model, show);
    if (front) front.render({ model, el: made });
    made.classList.add("jupyter-widgets", ...(model.get("_dom_classes") ?? []));
    const layout = packed[model.layout]?.state ?? {};
    for (const [name, value] of Object.entries(layout))
      made.style.setProperty(name.replaceAll("_", "-"), value);
    if (hidden?.includes(id)) made.hidden = true;
    model.element = made;
    return made;
  };
  const named = Object.entries(parts ?? {}).map(([name, id]) => [name, models[id]]);
  const cast = Object.fromEntries(named);
  const shown = show(root);
  answer = labkitSite.answers[kind]?.(cast, data) ?? answer;
  return { shown, cast, answer };
};

/** An image file as 32 x 32 pixels, its middle square; bytes of red, green and blue. */
labkitSite.readImage = async (blob) => {
  const image = await createImageBitmap(blob);
  const side = Math.min(image.width, image.height);
  const canvas = Object.assign(element("canvas"), { width: 32, height: 32 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  const from = [(image.width - side) / 2, (image.height - side) / 2, side, side];
  context.fillStyle = "#fff";
  context.fillRect(0, 0, 32, 32);
  context.drawImage(image, ...from, 0, 0, 32, 32);
  return context.getImageData(0, 0, 32, 32).data.filter((_byte, i) => i % 4 < 3);
};

/** The chosen image: a sample, or one of the reader's own, which joins the list when it is read. */
labkitSite.choosing = ({ image, upload }, data, changed) => {
  const samples = data.images.map(labkitSite.bytes);
  let pieces = [];
  return {
    bytes: () => samples[image.get("index")],
    async hear(model, message, buffers) {
      if (model !== upload || !buffers?.length) return;
      pieces = message.start ? [...pieces, buffers[0]] : [buffers[0]];
      if (pieces.reduce((sum, one) => sum + one.byteLength, 0) < message.size) return;
      samples.push(await labkitSite.readImage(new Blob(pieces)));
      const names = [...image.get("_options_labels"), message.name];
      image.take({ _options_labels: names, index: names.length - 1 });
      changed();
    },
  };
};

/** A window moves over the chosen image: its stage does the rest. */
labkitSite.answers.convolution = labkitSite.answers.pooling = (parts, data) => {
  const show = () =>
    parts.stage.take({ image: new DataView(choice.bytes().buffer), size: [32, 32] });
  const choice = labkitSite.choosing(parts, data, show);
  return (model, ...news) => {
    choice.hear(model, ...news);
    if (model === parts.image) show();
  };
};

/** On a phone a tap on an image makes it as large as its letters need, and another small again. */
function enlarge(image) {
  const button = element("button", "lk-zoom");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () =>
    button.setAttribute("aria-expanded", button.getAttribute("aria-expanded") === "false"),
  );
}

document.addEventListener("DOMContentLoaded", () => {
  if (window.matchMedia("(max-width: 600px)").matches)
    document.querySelectorAll("article img").forEach(enlarge);
  const page = document.documentElement;
  const light = () => (document.body.dataset.jpThemeLight = page.dataset.theme !== "dark");
  new MutationObserver(light).observe(page, { attributes: true, attributeFilter: ["data-theme"] });
  light();
  for (const script of document.querySelectorAll("script.lk-model")) {
    const place = document.getElementById(script.dataset.place);
    try {
      const explorer = labkitSite.build(JSON.parse(script.textContent));
      place.replaceChildren(explorer.shown);
      place.explorer = explorer;
    } catch (error) {
      console.error("labkit: an explorer stays a still image", error);
    }
  }
});
