// From logits to the loss: each slider stands in the row of all that follows from its logit.

/** What softmax and cross-entropy make of logits; `label` is the true class. */
function predict(logits, label) {
  const most = Math.max(...logits);
  // cannot overflow, and gives the same
  const shifted = logits.map((logit) => Math.exp(logit - most));
  const probabilities = shifted.map((power) => power / total(shifted));
  const truth = logits.map((_, i) => Number(i === label));
  const gradient = probabilities.map((share, i) => share - truth[i]);
  const loss = Math.log(total(shifted)) - (logits[label] - most);
  return { logits, powers: logits.map(Math.exp), probabilities, truth, gradient, loss };
}

/** The columns: how a number of each is written, how long its bar is, and what stands below. */
const COLUMNS = {
  logits: { write: (logit) => fixed(logit, 1), below: (_, words) => words.sum },
  powers: {
    write: (power) => grouped(power, 2),
    length: (power, all) => power / Math.max(...all),
    below: (all) => grouped(total(all), 2),
  },
  probabilities: { write: fixed, length: (share) => share, below: (all) => fixed(total(all)) },
  truth: { write: String, below: (all) => String(total(all)) },
  gradient: {
    write: (part) => (part >= 0 ? "+" : "") + fixed(part),
    length: (part) => part,
    signed: true,
    below: (all) => fixed(Math.abs(total(all))),
  },
};

/** A cell with a number, which may have a bar before it. */
function numberCell({ length, signed }) {
  const [bar, number] = [make("i"), make("span")];
  const track =
    length ? hidden(make("span", signed ? "lk-length lk-signed" : "lk-length", bar)) : null;
  const show = (text, part = 0) => {
    put(number, { textContent: text });
    if (!length) return;
    bar.style.width = `${Math.abs(part) * (signed ? 50 : 100)}%`;
    bar.style.left = signed ? `${50 + Math.min(0, part) * 50}%` : 0;
    put(bar, { className: part < 0 ? "lk-minus" : "" });
  };
  return { element: make("td", "", track, number), show };
}

function build(el, words, classes, change) {
  const columns = Object.entries(COLUMNS);
  const heads =
    ["logit", ...columns.map(([name]) => name)].map((name) => make("th", "", words[name]));
  for (const head of heads) head.scope = "col";
  const rows = classes.map((name, i) => {
    const logit = slider((value) => change(i, value));
    const head = make("th", "lk-slider", logit.element);
    head.scope = "row";
    keepKeys([logit.input]);
    const cells = columns.map(([, column]) => numberCell(column));
    const element = make("tr", "", head, ...cells.map((cell) => cell.element));
    const settings = { label: name, minimum: -5, maximum: 5, step: 0.1 };
    return { element, cells, show: (value) => logit.show({ ...settings, value }) };
  });
  const sums = columns.map(() => make("td"));
  const said = spoken();
  const foot = make("tr", "lk-foot", make("td"), ...sums);
  const lines = [make("tr", "", ...heads), ...rows.map((row) => row.element), foot];
  el.append(make("table", "lk-numbers", ...lines), said);
  return { rows, sums, said };
}

function begin({ model, el, words, scene: { classes }, change }) {
  const { rows, sums, said } = build(el, words, classes, (i, value) =>
    change({ logits: model.get("settings").logits.map((old, k) => (k === i ? value : old)) }),
  );
  const draw = ({ logits, added, label }) => {
    const shown = predict(logits.map((logit) => logit + added), label);
    Object.entries(COLUMNS).forEach(([name, { write, length, below }], k) => {
      const values = shown[name];
      values.forEach((value, i) => rows[i].cells[k].show(write(value), length?.(value, values)));
      put(sums[k], { textContent: below(values, words) });
    });
    rows.forEach((row, i) => {
      row.show(logits[i]);
      row.element.classList.toggle("lk-true", i === label);
    });
    const likeliest = shown.probabilities.indexOf(Math.max(...shown.probabilities));
    const values =
      { true: classes[label], other: classes[likeliest], p: fixed(shown.probabilities[label]) };
    const verdict = likeliest === label ? words.right : words.wrong;
    const sentence = fill(`${words.says} ${verdict}`, { ...values, loss: fixed(shown.loss) });
    put(said, { textContent: sentence });
  };
  return { draw };
}
