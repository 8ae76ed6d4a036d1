// A button that asks for a file and sends it in pieces: Jupyter's server closes the connection on
// a message of more than 10 MB.
const PIECE = 4_000_000;

function render({ model, el }) {
  const [button, input] = [make("button", "jupyter-button", model.get("label")), make("input")];
  Object.assign(button, { type: "button", title: model.get("hint") });
  Object.assign(input, { type: "file", accept: "image/*,.heic,.heif", hidden: true });
  keepKeys([button]); // else "d d" would delete the cell
  el.append(button, input);

  let sending = null;
  const send = async () => {
    const [file] = input.files;
    if (!file) return;
    input.value = ""; // the same file may be sent again
    sending = file;
    const { name, size } = file;
    const end = size > model.get("limit") ? 0 : size; // Python says that it is too large
    let start = 0;
    do {
      const slice = file.slice(start, Math.min(start + PIECE, end));
      const piece = await slice.arrayBuffer().catch(() => null); // a folder, or gone meanwhile
      if (sending !== file) return; // another was chosen: their pieces must not mix
      if (!piece) return model.send({ name, size: -1, start: 0 });
      model.send({ name, size, start }, undefined, [piece]);
      start += PIECE;
    } while (start < end);
  };
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", send);
}

export default { render };
