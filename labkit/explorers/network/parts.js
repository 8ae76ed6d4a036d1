// The parts that the page is made of: elements, what is chosen from by keys, painted maps.

/** An element with a class and children; texts are taken as they are. */
function make(tag, name = "", ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** For the eye alone: what it shows is said beside it. */
function hidden(element) {
  element.setAttribute("aria-hidden", "true");
  return element;
}

/** Something to choose from by arrow keys, heard as a slider: a screen reader says each choice. */
function chooser(element, label, { move, enter }) {
  element.tabIndex = 0;
  element.setAttribute("role", "slider");
  element.setAttribute("aria-label", label);
  element.setAttribute("aria-valuemin", 0);
  keepKeys([element]);
  element.addEventListener("keydown", (event) => {
    const [down, right] = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
      Home: [0, -Infinity], End: [0, Infinity],
    }[event.key] ?? [0, 0];
    if (down || right) move(down, right);
    else if (event.key === "Enter" || event.key === " ") enter?.();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** What stands at a chooser, for the eye and for the ear. */
function stand(element, now, most, text) {
  element.setAttribute("aria-valuemax", most);
  element.setAttribute("aria-valuenow", now);
  element.setAttribute("aria-valuetext", text);
}

function chip(name, value, tag = "span") {
  return make(tag, "lk-chip", make("small", "", name), make("b", "", String(value)));
}

/** A bar from the middle: to the right what adds, to the left, hatched, what takes away. */
function bar(value, most, onlyAdds = false) {
  const part = make("i");
  part.style.width = `${((onlyAdds ? 100 : 50) * Math.abs(value)) / most}%`;
  return make("span", `lk-bar ${value < 0 ? "lk-less" : onlyAdds ? "lk-alone" : ""}`, part);
}

/** Paint a map on a canvas, one of its pixels for each number, in the greys of its line. */
function paintMap(canvas, story, number, map) {
  const { height, width, low, high } = story.lines[number];
  paintGrey(canvas, story.plane(number, map), height, width, low, high);
}

function paintGrey(canvas, values, height, width, low, high) {
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  for (let i = 0; i < values.length; i++) {
    const level = (255 * (values[i] - low)) / (high - low);
    data.data.set([level, level, level, values[i] === null ? 0 : 255], 4 * i);
  }
  context.putImageData(data, 0, 0);
}

/** Paint [h, w, 3] bytes. */
function paintColours(canvas, bytes, height, width) {
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  for (let i = 0; i < height * width; i++) data.data.set([...bytes.subarray(3 * i, 3 * i + 3), 255], 4 * i);
  context.putImageData(data, 0, 0);
}
