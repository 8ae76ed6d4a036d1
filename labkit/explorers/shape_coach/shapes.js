// The arithmetic of a stack of convolutions and poolings, along one side of a square image.

const NUMBERS = ["kernel", "stride", "padding", "dilation", "filters"];

/** The places that a window takes, counted from where it begins without padding. */
const taps = ({ kernel, dilation, padding }) =>
  range(kernel).map((tap) => tap * dilation - padding);

/** Follow an image through layers: a stage for each, as far as they fit, and what is wrong then. */
function stack(size, channels, layers, limits, words) {
  const stages = [];
  let [field, jump] = [1, 1];
  for (const [index, layer] of layers.entries()) {
    const problem = refused(layer, limits, words) ?? tooSmall(size, layer, words);
    if (problem) return { stages, problem: fill(problem, { n: index + 1 }) };
    const { kernel, stride, padding, dilation, filters } = layer;
    const before = size;
    size = Math.floor((before + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
    const touched =
      new Set(range(size).flatMap((at) => taps(layer).map((tap) => at * stride + tap)));
    const unvisited = range(before).filter((place) => !touched.has(place));
    const convolves = layer.kind === "conv";
    const parameters = convolves ? filters * (channels * kernel ** 2 + 1) : 0;
    if (convolves) channels = filters;
    field += dilation * (kernel - 1) * jump;
    jump *= stride;
    stages.push({ before, channels, size, unvisited, parameters, field, jump });
  }
  return { stages, problem: null };
}

/** What PyTorch would refuse, as a sentence with {n} for the layer. */
function refused(layer, limits, words) {
  for (const name of layer.kind === "conv" ? NUMBERS : NUMBERS.slice(0, -1)) {
    const [[low, high], value] = [limits[name], layer[name]];
    if (!Number.isInteger(value) || value < low || value > high)
      return fill(words.limits, { n: "{n}", name: words[name], low, high, value });
  }
  if (layer.kind === "pool" && 2 * layer.padding > layer.kernel)
    return fill(words["half a kernel"], { n: "{n}", most: Math.floor(layer.kernel / 2) });
  return null;
}

function tooSmall(size, { kernel, padding, dilation }, words) {
  const [span, side] = [dilation * (kernel - 1) + 1, size + 2 * padding];
  return span > side
    ? fill(words["in layer"], { n: "{n}", reason: fill(words.span, { span, side }) })
    : null;
}

/** The places along a side of `sides[0]` that a place in the last map depends on. */
function seenBy(sides, layers, position) {
  let seen = [position];
  for (const [n, layer] of [...layers.entries()].reverse()) {
    const reached =
      new Set(seen.flatMap((at) => taps(layer).map((tap) => at * layer.stride + tap)));
    seen = [...reached].filter((at) => at >= 0 && at < sides[n]);
  }
  return seen.sort((a, b) => a - b);
}

/** The size formula with its numbers, and what the floor cuts off where it bites. */
function formula(n, { kernel, stride, padding, dilation }) {
  const span = dilation * (kernel - 1) + 1;
  const room = n + 2 * padding - span;
  const parts = [`⌊(${padding ? `${n} + 2·${padding}` : n} − ${span}) / ${stride}⌋ + 1`];
  if (room % stride)
    parts.push(`= ⌊${written(String(Number((room / stride).toPrecision(4))))}⌋ + 1`);
  // a line ends before the "="
  return parts.map((part) => part.replaceAll(" ", "\u00a0")).join(" ");
}
