// A table of layers to fill in: numbers, a guess, and Python's answer beside it.
// Python computes and words everything; here it is only laid out, and each change sent back.

const NUMBERS = ["kernel", "stride", "padding", "dilation", "filters"];

function field(type, name, change) {
  const input = document.createElement(type);
  input.setAttribute("aria-label", name);
  input.setAttribute("data-lm-suppress-shortcuts", "true"); // else JupyterLab takes the keys
  input.addEventListener(type === "select" ? "change" : "input", () => change(input.value));
  return input;
}

/** A cell of a row; where the table is narrow, the name of its column stands in it. */
function cell(row, name, ...content) {
  const td = document.createElement("td");
  td.dataset.name = name;
  td.append(...content);
  row.append(td);
  return td;
}

function render({ model, el }) {
  const words = model.get("words");
  const table = document.createElement("table");
  table.className = "lk-stack";
  el.append(table);
  let lines = [];

  const edit = (trait, index, change) => {
    const values = [...model.get(trait)];
    values[index] = change(values[index]);
    model.set(trait, values);
    model.save_changes();
  };

  const answers = (row, index, who) => {
    const guess = field("input", `${who}: ${words.guess}`, (text) => edit("guesses", index, () => text));
    guess.inputMode = "numeric";
    guess.placeholder = "?";
    guess.className = "lk-guess";
    guess.addEventListener("keydown", ({ key }) => {
      if (key === "Enter") lines[(index + 1) % lines.length].guess.focus();
    });
    cell(row, words.guess, guess);
    const verdict = document.createElement("output");
    cell(row, words.answer, verdict);
    const cells = ["why", "parameters", "field"].map((name) => cell(row, words[name]));
    cells[0].className = "lk-why";
    cells[1].className = cells[2].className = "lk-number";
    return { guess, verdict, cells };
  };

  const layerLine = (index) => {
    const row = document.createElement("tr");
    const who = words.layer.replace("{n}", index + 1);
    const change = (name, read) => (text) =>
      edit("layers", index, (layer) => ({ ...layer, [name]: read(text) }));
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = index + 1;
    row.append(head);
    const kind = field("select", `${who}: ${words.kind}`, change("kind", String));
    for (const name of ["conv", "pool"]) kind.add(new Option(words[name], name));
    cell(row, words.kind, kind);
    const numbers = NUMBERS.map((name) => {
      const input = field("input", `${who}: ${words[name]}`, change(name, Number));
      input.type = "number";
      [input.min, input.max] = model.get("limits")[name];
      cell(row, words[name], input);
      return input;
    });
    return { row, kind, numbers, ...answers(row, index, who) };
  };

  const flatLine = (index) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.colSpan = 2 + NUMBERS.length;
    head.scope = "row";
    head.textContent = words.flatten;
    row.append(head);
    return { row, ...answers(row, index, words.flatten) };
  };

  const build = () => {
    const count = model.get("layers").length;
    const heads = ["", words.kind, ...NUMBERS.map((name) => words[name])];
    heads.push(words.guess, words.answer, words.why, words.parameters, words.field);
    table.innerHTML = "<thead><tr></tr></thead><tbody></tbody>";
    for (const text of heads) {
      const head = document.createElement(text ? "th" : "td");
      if (text) head.scope = "col";
      head.textContent = text;
      table.querySelector("thead tr").append(head);
    }
    lines = [...Array(count).keys()].map(layerLine);
    lines.push(flatLine(count));
    table.querySelector("tbody").append(...lines.map((line) => line.row));
  };

  /** Write a value unless the learner is typing this very number. */
  const set = (input, value) => {
    const typed = document.activeElement === input && Number(input.value) === value;
    if (!typed && input.value !== String(value)) input.value = value;
  };

  const fill = () => {
    const layers = model.get("layers");
    if (lines.length !== layers.length + 1) build();
    layers.forEach((layer, i) => {
      lines[i].kind.value = layer.kind;
      NUMBERS.forEach((name, n) => set(lines[i].numbers[n], layer[name]));
      lines[i].numbers[NUMBERS.indexOf("filters")].disabled = layer.kind === "pool";
    });
    model.get("guesses").forEach((guess, i) => {
      if (lines[i] && lines[i].guess.value !== guess) lines[i].guess.value = guess;
    });
    model.get("results").forEach((result, i) => {
      if (!lines[i]) return;
      lines[i].verdict.textContent = result.answer;
      lines[i].verdict.dataset.state = result.state;
      ["why", "parameters", "field"].forEach((name, n) => {
        lines[i].cells[n].textContent = result[name];
      });
    });
  };

  model.on("change:layers change:guesses change:results", fill);
  fill();
  return () => model.off("change:layers change:guesses change:results", fill);
}

export default { render };
