// A confusion matrix as a grid of cells: the chosen one is in the tab order, arrow keys move.
// Row and column -1 are the headers. Names, numbers and sentences come from Python.
function render({ model, el }) {
  const table = document.createElement("table");
  el.classList.add("lk-confusion");
  el.append(table);
  let cells = [];

  const choose = (row, column) => {
    const last = cells.length - 2;
    const inside = (n) => Math.min(Math.max(n, -1), last);
    model.set("chosen", [inside(row), inside(column)]);
    model.save_changes();
    cellAt(model.get("chosen")).focus();
  };
  const cellAt = ([row, column]) => cells[row + 1]?.[column + 1]; // none is chosen: -2

  const make = (row, column) => {
    const header = row < 0 || column < 0;
    const cell = document.createElement(header ? "th" : "td");
    const text = model.get("texts")[row + 1][column + 1];
    const words = document.createElement("span");
    words.textContent = text;
    cell.append(words);
    cell.setAttribute("role", row < 0 ? "columnheader" : column < 0 ? "rowheader" : "gridcell");
    cell.setAttribute("aria-label", model.get("sentences")[row + 1][column + 1]);
    cell.title = model.get("sentences")[row + 1][column + 1];
    cell.setAttribute("data-lm-suppress-shortcuts", "true"); // else JupyterLab takes the arrow keys
    if (!header) {
      const colour = row === column ? "0, 114, 178" : "213, 94, 0";
      cell.style.background = `rgba(${colour}, ${model.get("shades")[row][column]})`;
    }
    cell.addEventListener("click", () => choose(row, column));
    return cell;
  };
  const build = () => {
    table.replaceChildren();
    table.setAttribute("role", "grid");
    table.setAttribute("aria-label", model.get("title"));
    const side = model.get("texts").length;
    const width = Math.min(Math.max(Math.floor(330 / Math.max(side - 1, 1)), 24), 56);
    table.style.setProperty("--lk-cell", `${width}px`);
    cells = Array.from({ length: side }, (_row, row) =>
      Array.from({ length: side }, (_column, column) => make(row - 1, column - 1)),
    );
    for (const row of cells) {
      const line = document.createElement("tr");
      line.setAttribute("role", "row");
      line.append(...row);
      table.append(line);
    }
    mark();
  };
  const mark = () => {
    for (const cell of cells.flat()) {
      cell.tabIndex = -1;
      cell.setAttribute("aria-selected", "false");
    }
    const chosen = cellAt(model.get("chosen"));
    chosen?.setAttribute("aria-selected", "true");
    (chosen ?? cells[0][0]).tabIndex = 0;
  };
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const press = (event) => {
    const [row, column] = model.get("chosen");
    if (event.key in moves) choose(row + moves[event.key][0], column + moves[event.key][1]);
    else if (event.key === "Home") choose(row, -1);
    else if (event.key === "End") choose(row, cells.length);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  table.addEventListener("keydown", press);
  model.on("change:texts", build);
  model.on("change:chosen", mark);
  build();
  return () => {
    model.off("change:texts", build);
    model.off("change:chosen", mark);
  };
}

export default { render };
