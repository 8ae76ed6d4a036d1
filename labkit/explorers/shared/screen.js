function base64(view) {
  const bytes = unpacked(view, Uint8Array);
  const part = 8192; // so many arguments a function takes anywhere
  const texts = range(Math.ceil(bytes.length / part)).map((n) =>
    String.fromCharCode(...bytes.subarray(n * part, (n + 1) * part)),
  );
  return btoa(texts.join(""));
}

function render({ model, el }) {
  const [image, sentence] = [make("img"), spoken()];
  el.classList.add("lk-screen");
  el.append(image, sentence);

  image.decoding = "sync"; // painted in the frame after it came, without a gap between two images
  const show = () => {
    const png = model.get("png");
    if (!png.byteLength) return image.removeAttribute("src"); // a sentence alone
    // With its size at hand, nothing below jumps once it is decoded.
    [image.width, image.height] = [16, 20].map((at) => png.getUint32(at));
    const revision = model.get("revision");
    image.onload = () => (image.dataset.revision = revision);
    image.src = `data:image/png;base64,${base64(png)}`; // a Blob would be fetched: 4 ms more
  };
  const speak = () => {
    image.alt = model.get("sentence");
    sentence.textContent = model.get("sentence");
  };
  const size = () => {
    const width = model.get("width");
    el.style.setProperty("--lk-width", width ? `${width}px` : "auto");
  };
  size();
  speak();
  show();
  const kept = keepAllKeys(el);
  const off = follow(model, {
    "change:revision": show,
    "change:sentence": speak,
    "change:width": size,
  });
  return () => {
    off();
    kept();
  };
}

export default { render };
