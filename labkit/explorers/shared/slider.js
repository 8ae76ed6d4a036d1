// A native slider: arrow keys, Home and End, a name and a value that a screen reader can say.
function render({ model, el }) {
  const label = document.createElement("label");
  const name = document.createElement("span");
  const input = document.createElement("input");
  const output = document.createElement("output");
  input.type = "range";
  input.setAttribute("data-lm-suppress-shortcuts", "true"); // else JupyterLab takes the arrow keys
  el.classList.add("lk-slider");
  label.append(name, input, output);
  el.append(label);

  const words = () => {
    const texts = model.get("texts");
    const value = Number(model.get("value").toFixed(6)); // 0.15, not 0.15000000000000002
    return texts.length ? texts[value] : String(value).replace("-", "−");
  };
  const update = () => {
    name.textContent = model.get("label");
    for (const [attribute, trait] of [["min", "minimum"], ["max", "maximum"], ["step", "step"]])
      input[attribute] = model.get(trait);
    input.disabled = model.get("disabled");
    input.value = model.get("value");
    output.textContent = words();
    input.setAttribute("aria-valuetext", words());
  };
  const move = () => {
    model.set("value", Number(input.value));
    model.save_changes();
  };
  input.addEventListener("input", move);
  model.on("change", update);
  update();
  return () => model.off("change", update);
}

export default { render };
