function render({ model, el }) {
  const { element, input, show } = slider((value) => {
    model.set("value", value);
    model.save_changes();
  });
  const names = ["label", "minimum", "maximum", "step", "texts", "value", "disabled"];
  const update = () => show(Object.fromEntries(names.map((name) => [name, model.get(name)])));
  keepKeys([input]);
  el.classList.add("lk-slider");
  el.append(element);
  update();
  return follow(model, { change: update });
}

export default { render };
