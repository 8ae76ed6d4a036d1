// Small images in rows, drawn as they came: one can be framed, and any is picked by a click.

const [TILE, PITCH] = [32, 36];

function render({ model, el }) {
  const [canvas, sentence] = [hidden(make("canvas", "lk-clickable")), spoken()];
  const context = canvas.getContext("2d");
  const tile = new ImageData(TILE, TILE);
  const columns = model.get("columns");
  let count = 0;
  el.classList.add("lk-screen", "lk-pixelated");
  el.style.setProperty("--lk-width", `${model.get("width")}px`);
  el.append(canvas, sentence);
  const place = (number) =>
    [PITCH * (number % columns) + 2, PITCH * Math.floor(number / columns) + 2];
  const draw = () => {
    const bytes = unpacked(model.get("images"), Uint8Array);
    count = bytes.length / (3 * TILE * TILE);
    canvas.hidden = !count;
    [canvas.width, canvas.height] = [columns * PITCH, Math.ceil(count / columns) * PITCH];
    const [left, top] = place(model.get("framed"));
    context.fillStyle = ORANGE;
    if (model.get("framed") >= 0) context.fillRect(left - 2, top - 2, PITCH, PITCH);
    for (let number = 0, from = 0; number < count; number++) {
      for (let i = 0; i < tile.data.length; i++) tile.data[i] = i % 4 < 3 ? bytes[from++] : 255;
      context.putImageData(tile, ...place(number));
    }
    put(sentence, { textContent: model.get("sentence") });
    canvas.dataset.drawn = model.get("framed");
  };
  canvas.addEventListener("click", (event) => {
    const { left, top, width } = canvas.getBoundingClientRect();
    const [x, y] =
      [event.clientX - left, event.clientY - top].map((at) => Math.floor((at / width) * columns));
    if (y * columns + x < count) model.send({ pick: y * columns + x });
  });
  draw();
  const ends = [follow(model, { change: draw }), keepAllKeys(el)];
  return () => ends.forEach((end) => end());
}

export default { render };
