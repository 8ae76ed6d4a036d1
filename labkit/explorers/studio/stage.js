// A confusion matrix as a grid of cells: the chosen one is in the tab order, arrow keys move.
// Row and column -1 are the headers. Names, numbers and sentences come from Python.

function begin({ model, el, scene: { title, texts, sentences, shades }, change }) {
  const choose = (row, column) => {
    const chosen = [row, column].map((place) => clamp(place, -1, texts.length - 2));
    change({ chosen });
    at(chosen).focus();
  };
  const cells =
    texts.map((line, row) => line.map((words, column) => cell(row - 1, column - 1, words)));
  const at = ([row, column]) => cells[row + 1]?.[column + 1]; // none is chosen: -2

  function cell(row, column, words) {
    const header = row < 0 || column < 0;
    const made = make(header ? "th" : "td", "", make("span", "", words));
    const sentence = sentences[row + 1][column + 1];
    made.setAttribute("role", row < 0 ? "columnheader" : column < 0 ? "rowheader" : "gridcell");
    made.setAttribute("aria-label", sentence);
    made.title = sentence;
    keepKeys([made]);
    const colour = row === column ? "0, 114, 178" : "213, 94, 0";
    if (!header) made.style.background = `rgba(${colour}, ${shades[row][column]})`;
    made.addEventListener("click", () => choose(row, column));
    return made;
  }
  const rows = cells.map((line) => make("tr", "", ...line));
  const table = make("table", "", ...rows);
  for (const row of rows) row.setAttribute("role", "row");
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", title);
  const side = clamp(Math.floor(330 / Math.max(texts.length - 1, 1)), 24, 56);
  table.style.setProperty("--lk-cell", `${side}px`);
  table.addEventListener("keydown", (event) => {
    const [row, column] = model.get("settings").chosen;
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (event.key in moves) choose(row + moves[event.key][0], column + moves[event.key][1]);
    else if (event.key === "Home") choose(row, -1);
    else if (event.key === "End") choose(row, Infinity);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  el.classList.add("lk-confusion");
  el.append(table);
  const draw = ({ chosen }) => {
    for (const one of cells.flat()) {
      one.tabIndex = -1;
      one.setAttribute("aria-selected", "false");
    }
    at(chosen)?.setAttribute("aria-selected", "true");
    (at(chosen) ?? cells[0][0]).tabIndex = 0;
  };
  return { draw, answers: true };
}
