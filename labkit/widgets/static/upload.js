// A button that asks for a file and sends it in pieces: Jupyter's server closes the connection on
// a message of more than 10 MB.
const PIECE = 4_000_000;

function render({ model, el }) {
  const button = document.createElement("button");
  const input = document.createElement("input");
  button.type = "button";
  button.className = "jupyter-widgets jupyter-button widget-button lk-upload";
  button.textContent = model.get("label");
  button.title = model.get("hint");
  button.setAttribute("data-lm-suppress-shortcuts", "true"); // else "d d" would delete the cell
  input.type = "file";
  input.hidden = true;
  el.append(button, input);

  const send = async () => {
    const [file] = input.files;
    if (!file) return;
    const { name, size } = file;
    const end = size > model.get("limit") ? 0 : size; // Python says that it is too large
    let start = 0;
    do {
      const piece = await file.slice(start, Math.min(start + PIECE, end)).arrayBuffer();
      model.send({ name, size, start }, undefined, [piece]);
      start += PIECE;
    } while (start < end);
    input.value = ""; // the same file may be sent again
  };
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", send);
}

export default { render };
