// Walks down a loss of one or two weights: the landscapes, the optimizers, and how a walk ended.

/** Of each hollow: its middle, two weights; its width; its depth. */
const HOLLOWS = [[-1, 0.5, 0.6, 0.9], [1.4, -0.9, 0.85, 2.4]];
const hollows = (v, w, of) =>
  HOLLOWS.map(([x, y, width, depth]) => {
    const height = depth * Math.exp(-((v - x) ** 2 + (w - y) ** 2) / (2 * width ** 2));
    return of(height, (v - x) / width ** 2, (w - y) / width ** 2);
  });

/** Each loss as in `compute.py`, and its gradient, a number for each weight. */
const LOSSES = {
  bowl: [(w) => (w - 1) ** 2, (w) => [2 * (w - 1)]],
  "two valleys": [(w) => w ** 4 - 2 * w ** 2 + 0.4 * w + 1.5, (w) => [4 * w ** 3 - 4 * w + 0.4]],
  "hole in a plain": [
    (w) => 2 - 2 * Math.exp(-(w ** 2) / 2),
    (w) => [2 * w * Math.exp((-w * w) / 2)],
  ],
  "long valley": [(v, w) => v ** 2 / 20 + w ** 2, (v, w) => [v / 10, 2 * w]],
  pass: [(v, w) => v ** 2 + w ** 4 / 4 - w ** 2 / 2 + 0.25, (v, w) => [2 * v, w ** 3 - w]],
  "two hollows": [
    (v, w) => 2.4 + 0.1 * (v * v + w * w) - total(hollows(v, w, (height) => height)),
    (v, w) => [
      0.2 * v + total(hollows(v, w, (height, x) => height * x)),
      0.2 * w + total(hollows(v, w, (height, _, y) => height * y)),
    ],
  ],
};

/** Those of torch.optim: each returns how far a weight steps, of its gradient and the number. */
const OPTIMIZERS = {
  SGD: (lr, momentum) => {
    let speed = 0;
    return (gradient) => lr * (speed = momentum * speed + gradient);
  },
  "SGD, Nesterov": (lr, momentum) => {
    let speed = 0;
    return (gradient) => lr * (gradient + momentum * (speed = momentum * speed + gradient));
  },
  RMSprop: (lr, momentum) => {
    let [square, speed] = [0, 0];
    return (gradient) => {
      square = 0.99 * square + 0.01 * gradient * gradient;
      speed = momentum * speed + gradient / (Math.sqrt(square) + 1e-8);
      return lr * speed;
    };
  },
  Adam: (lr, momentum) => {
    let [mean, square] = [0, 0];
    return (gradient, step) => {
      mean += (gradient - mean) * (1 - momentum);
      square = 0.999 * square + 0.001 * gradient * gradient;
      const [first, second] = [1 - momentum ** step, 1 - 0.999 ** step];
      return ((lr / first) * mean) / (Math.sqrt(square) / Math.sqrt(second) + 1e-8);
    };
  },
};

const FLAT = 0.01; // a slope below this counts as none
const SLOW = 200; // so many steps as short as the last five do not cross the part shown: it crawls
const FAR = 100; // so many times the part shown away from its middle, a walk has left for good

/** A walk from `start`: the weights, gradients and losses before each step and at the end. */
class Walk {
  constructor(ground, optimizer, lr, momentum, start, steps) {
    const [loss, slope] = LOSSES[ground.name];
    const steppers = start.map(() => OPTIMIZERS[optimizer](lr, momentum));
    Object.assign(this, { ground, momentum, weights: [start], slopes: [slope(...start)] });
    for (let step = 1; step <= steps; step++) {
      const [at, slopes] = [this.weights.at(-1), this.slopes.at(-1)];
      this.weights.push(at.map((weight, i) => weight - steppers[i](slopes[i], step)));
      this.slopes.push(slope(...this.weights.at(-1)));
    }
    this.losses = this.weights.map((at) => loss(...at));
    this.moves =
      this.weights.slice(1).map((to, n) => to.map((weight, i) => weight - this.weights[n][i]));
    this.width = Math.max(...ground.reach.map(([low, high]) => high - low));
  }

  /** How far step number `step` (from 1) went. */
  stride(step) {
    return Math.hypot(...this.moves[step - 1]);
  }

  slope(step) {
    return Math.hypot(...this.slopes[step]);
  }

  /** Whether it has left for good. */
  gone(step) {
    const middles = this.ground.reach.map(([low, high]) => (low + high) / 2);
    const away = Math.max(...this.weights[step].map((weight, i) => Math.abs(weight - middles[i])));
    return !(Number.isFinite(this.losses[step]) && away / this.width < FAR);
  }

  /** The kind of the named place that is nearest, and how far away it is. */
  nearest(step) {
    const { places } = this.ground;
    const far =
      places.map(({ weights }) => Math.hypot(...weights.map((w, i) => w - this.weights[step][i])));
    const distance = Math.min(...far);
    return [places[far.indexOf(distance)].kind, distance];
  }

  /** Whether a step turned back from the one before. */
  turned(step) {
    return total(this.moves[step - 1].map((move, i) => move * this.moves[step - 2][i])) < 0;
  }

  crawls(step) {
    // in a hundred such steps
    const rests = this.slope(step) < 0.1 ** (1 / 100) * this.slope(step - 1);
    if (step < 5 || rests) return false;
    return Math.max(...range(5).map((n) => this.stride(step - n))) < this.width / SLOW;
  }

  /** What became of it after `step` steps, from those steps alone; `words` says each of it. */
  fate(step) {
    if (step === 0) return "start";
    if (this.gone(step)) return "diverges";
    if (this.stride(step) < this.width / SLOW) {
      const [kind, distance] = this.nearest(step);
      if (distance < this.width / SLOW && ["lowest", "local"].includes(kind)) return kind;
      if (this.slope(step) < FLAT) return distance < this.width / 20 ? kind : "plain";
    }
    if (this.losses[step] > this.losses[0]) return "higher";
    if (step > 2 && this.turned(step) && this.turned(step - 1)) return "swings";
    if (this.losses[step] > this.losses[step - 1]) return this.momentum ? "carried" : "jumped";
    return this.crawls(step) ? "crawls" : "falls";
  }

  /** What the loss has done in the first `step` steps, and how the walk goes. */
  sentence(step, words) {
    const number = (value) => inWords(value, words);
    const [across, ...others] = this.slopes[step];
    const slope = number(others.length ? this.slope(step) : across); // of one weight with its sign
    const fate = this.fate(step);
    const [first, now] = [this.losses[0], this.losses[step]].map(number);
    if (fate === "start")
      return fill(words.start, { place: this.place(words), loss: first, slope });
    const grown = fate === "diverges" || fate === "higher";
    const changes = words[step === 1 ? "after one" : "after more"];
    const changed = changes[grown ? "grown" : now === first ? "still" : "fallen"];
    const [loss] = LOSSES[this.ground.name];
    const lowest = number(Math.min(...this.ground.places.map(({ weights }) => loss(...weights))));
    const crossing = this.width / this.stride(step);
    const many = crossing < 1e6 ? grouped(Number(crossing.toPrecision(2))) : number(crossing);
    const walked = fill(changed, { n: step, first, now });
    return `${walked}: ${fill(words[fate], { lowest, slope, many })}`;
  }

  /** w = 1.20, or w₁ = 1.20, w₂ = −0.30 */
  place(words) {
    const names = this.ground.reach.length === 1 ? ["w"] : ["w₁", "w₂"];
    return inRow(names.map((name, i) => `${name} = ${inWords(this.weights[0][i], words)}`));
  }
}

/** A loss, slope or weight as one reads it aloud: 2.15, 310, more than a million. */
function inWords(value, words) {
  if (!Number.isFinite(value)) return words.infinity;
  if (Math.abs(value) >= 1e6) return words.million;
  return grouped(value, Math.abs(value) < 100 ? 2 : 0);
}
