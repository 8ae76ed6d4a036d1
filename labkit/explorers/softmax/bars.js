// A table of numbers, some beside a bar; Python says how long each bar is, from -1 to 1.
function render({ model, el }) {
  const table = document.createElement("table");
  const sentence = document.createElement("p");
  el.classList.add("lk-numbers");
  sentence.setAttribute("role", "status");
  el.append(table, sentence);

  const cell = (tag, text, scope) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (scope) made.scope = scope;
    return made;
  };
  const bar = (text, length, signed) => {
    const made = cell("td", "");
    const number = cell("span", text);
    if (length === undefined) {
      made.append(number);
      return made;
    }
    const track = document.createElement("div");
    const fill = document.createElement("i");
    track.className = signed ? "lk-length lk-signed" : "lk-length";
    fill.style.width = `${Math.abs(length) * (signed ? 50 : 100)}%`;
    fill.style.left = signed ? `${50 + Math.min(0, length) * 50}%` : 0;
    fill.className = length < 0 ? "lk-minus" : "lk-plus";
    track.append(fill);
    made.append(track, number);
    return made;
  };
  const paint = () => {
    const { columns, classes, label, foot, caption } = model.get("table");
    const head = document.createElement("tr");
    head.append(cell("th", caption, "col"), ...columns.map(({ title }) => cell("th", title, "col")));
    const rows = classes.map((name, i) => {
      const row = document.createElement("tr");
      row.classList.toggle("lk-true", i === label);
      const bars = columns.map(({ texts, lengths, signed }) => bar(texts[i], lengths?.[i], signed));
      row.append(cell("th", name, "row"), ...bars);
      return row;
    });
    const last = document.createElement("tr");
    last.className = "lk-foot";
    for (const text of foot) {
      const made = cell("td", "");
      made.append(cell("span", text));
      last.append(made);
    }
    table.replaceChildren(head, ...rows, last);
    sentence.textContent = model.get("sentence");
    table.dataset.revision = model.get("revision");
  };
  model.on("change:revision", paint);
  paint();
  return () => model.off("change:revision", paint);
}

export default { render };
