// The image of an explorer, and the sentence that says what it shows.
function base64(view) {
  let text = "";
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function render({ model, el }) {
  const image = document.createElement("img");
  const sentence = document.createElement("p");
  el.classList.add("lk-screen");
  sentence.setAttribute("role", "status");
  el.append(image, sentence);

  image.decoding = "sync"; // painted in the frame after it came, without a gap between two images
  const paint = () => {
    const png = model.get("png");
    if (!png.byteLength) return image.removeAttribute("src"); // a sentence alone
    const vector = png.getUint8(0) === 60; // it begins with "<"
    // With its size at hand, nothing below jumps once it is decoded.
    if (!vector) [image.width, image.height] = [16, 20].map((at) => png.getUint32(at));
    const revision = model.get("revision");
    image.onload = () => (image.dataset.revision = revision);
    image.src = `data:image/${vector ? "svg+xml" : "png"};base64,${base64(png)}`; // a Blob would be fetched: 4 ms more
  };
  const speak = () => {
    image.alt = model.get("sentence");
    sentence.textContent = model.get("sentence");
  };
  const listen = () => sentence.setAttribute("aria-live", model.get("spoken") ? "polite" : "off");
  const size = () => {
    const width = model.get("width");
    el.style.setProperty("--lk-width", width ? `${width}px` : "auto");
    image.classList.toggle("lk-clickable", model.get("clickable"));
  };
  const click = (event) => {
    const box = image.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    if (model.get("clickable")) model.send({ at });
  };
  image.addEventListener("click", click);
  model.on("change:revision", paint);
  model.on("change:sentence", speak);
  model.on("change:spoken", listen);
  model.on("change:width change:clickable", size);
  size();
  listen();
  speak();
  paint();
  // In JupyterLab a key pressed on a button is also a command: "d d" would delete the cell.
  const keep = (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  const attached = new ResizeObserver(() =>
    el.closest(".lk-explorer")?.addEventListener("focusin", keep),
  );
  attached.observe(el);
  return () => {
    attached.disconnect();
    model.off("change:revision", paint);
    model.off("change:sentence", speak);
    model.off("change:spoken", listen);
    model.off("change:width change:clickable", size);
  };
}

export default { render };
