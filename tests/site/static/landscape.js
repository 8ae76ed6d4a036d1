// A walk down a loss: what `labkit/explorers/landscape` answers, without Python and torch.optim.
(() => {
  const { exp, sqrt, hypot } = Math;
  const { fill, grouped } = labkitSite;
  const [FLAT, SLOW, FAR] = [0.01, 200, 100];

  /** Depth and pull of the two hollows: middle, width, depth. */
  const HOLLOWS = [[-1, 0.5, 0.6, 0.9], [1.4, -0.9, 0.85, 2.4]];
  const dents = (v, w, of) =>
    HOLLOWS.map(([x, y, width, depth]) => {
      const height = depth * exp(-((v - x) ** 2 + (w - y) ** 2) / (2 * width ** 2));
      return of(height, (v - x) / width ** 2, (w - y) / width ** 2);
    });

  /** Each landscape: its loss, and the gradient of it. */
  const LANDSCAPES = {
    bowl: [(w) => (w - 1) ** 2, (w) => [2 * (w - 1)]],
    "two valleys": [(w) => w ** 4 - 2 * w ** 2 + 0.4 * w + 1.5, (w) => [4 * w ** 3 - 4 * w + 0.4]],
    "hole in a plain": [(w) => 2 - 2 * exp(-(w ** 2) / 2), (w) => [2 * w * exp((-w * w) / 2)]],
    "long valley": [(v, w) => v ** 2 / 20 + w ** 2, (v, w) => [v / 10, 2 * w]],
    pass: [(v, w) => v ** 2 + w ** 4 / 4 - w ** 2 / 2 + 0.25, (v, w) => [2 * v, w ** 3 - w]],
    "two hollows": [
      (v, w) => 2.4 + 0.1 * (v * v + w * w) - dents(v, w, (height) => height).reduce((a, b) => a + b),
      (v, w) => {
        const pulls = dents(v, w, (height, x, y) => [height * x, height * y]);
        return [0.2 * v + pulls[0][0] + pulls[1][0], 0.2 * w + pulls[0][1] + pulls[1][1]];
      },
    ],
  };

  /** Each optimizer returns how one weight steps: it is called with the gradient and step number. */
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
        speed = momentum * speed + gradient / (sqrt(square) + 1e-8);
        return lr * speed;
      };
    },
    Adam: (lr, momentum) => {
      let [mean, square] = [0, 0];
      return (gradient, step) => {
        mean += (gradient - mean) * (1 - momentum);
        square = 0.999 * square + 0.001 * gradient * gradient;
        const [first, second] = [1 - momentum ** step, 1 - 0.999 ** step];
        return ((lr / first) * mean) / (sqrt(square) / sqrt(second) + 1e-8);
      };
    },
  };

  function follow([loss, slope], make, start, steps) {
    const steppers = start.map(make);
    const [places, slopes] = [[start], [slope(...start)]];
    for (let step = 1; step <= steps; step++) {
      places.push(places.at(-1).map((w, i) => w - steppers[i](slopes.at(-1)[i], step)));
      slopes.push(slope(...places.at(-1)));
    }
    return { places, slopes, losses: places.map((place) => loss(...place)) };
  }

  /** What became of a walk, as `Walk.fate` names it. */
  class Fates {
    constructor(walk, ground, momentum) {
      Object.assign(this, walk, { named: ground.places, reach: ground.reach, momentum });
      this.width = Math.max(...this.reach.map(([low, high]) => high - low));
      this.moves = walk.places.slice(1).map((to, n) => to.map((w, i) => w - walk.places[n][i]));
      this.strides = this.moves.map((move) => hypot(...move));
      this.steep = walk.slopes.map((slope) => hypot(...slope));
    }

    gone(step) {
      const away = this.places[step].map((w, i) => Math.abs(w - (this.reach[i][0] + this.reach[i][1]) / 2));
      return !(Number.isFinite(this.losses[step]) && Math.max(...away) / this.width < FAR);
    }

    nearest(step) {
      const far = this.named.map((one) => hypot(...one.weights.map((w, i) => w - this.places[step][i])));
      const distance = Math.min(...far);
      return [this.named[far.indexOf(distance)].kind, distance];
    }

    turned(step) {
      return this.moves[step].reduce((sum, move, i) => sum + move * this.moves[step - 1][i], 0) < 0;
    }

    crawls(step) {
      if (step < 5 || this.steep[step] < 0.1 ** (1 / 100) * this.steep[step - 1]) return false;
      return Math.max(...this.strides.slice(step - 5, step)) < this.width / SLOW;
    }

    of(step) {
      if (step === 0) return "start";
      if (this.gone(step)) return "diverges";
      if (this.strides[step - 1] < this.width / SLOW) {
        const [kind, distance] = this.nearest(step);
        if (distance < this.width / SLOW && ["lowest", "local"].includes(kind)) return kind;
        if (this.steep[step] < FLAT) return distance < this.width / 20 ? kind : "plain";
      }
      if (this.losses[step] > this.losses[0]) return "higher";
      if (step > 2 && this.turned(step - 1) && this.turned(step - 2)) return "swings";
      if (this.losses[step] > this.losses[step - 1]) return this.momentum ? "carried" : "jumped";
      return this.crawls(step) ? "crawls" : "falls";
    }
  }

  /** The sentences of a walk, and its losses in words. */
  function say(fates, words) {
    const number = (value) => {
      if (!Number.isFinite(value)) return words.infinity;
      if (Math.abs(value) >= 1e6) return words.many;
      return grouped(value, Math.abs(value) < 100 ? 2 : 0);
    };
    const rounded = (count) =>
      count >= 1e6 ? number(count) : grouped(Number(count.toPrecision(2)), 0);
    const at = fates.places[0].map((w, i) => `${["w", "w₁", "w₂"][fates.reach.length - 1 + i]} = ${number(w)}`);
    const losses = fates.losses.map(number);
    const lowest = number(Math.min(...fates.named.map((place) => place.loss)));
    const says = losses.map((now, n) => {
      const fate = fates.of(n);
      const [first, slope] = [losses[0], number(fates.steep[n])];
      if (fate === "start") return fill(words.start, { place: at.join(", "), loss: first, slope });
      const higher = ["diverges", "higher"].includes(fate);
      const changed = words[higher ? "grown" : now === first ? "still" : "fallen"][n === 1 ? 0 : 1];
      const many = rounded(fates.width / fates.strides[n - 1]);
      return `${fill(changed, { n, first, now })}: ${fill(words.judgements[fate], { lowest, slope, many })}`;
    });
    return { says, losses };
  }

  labkitSite.answers.landscape = (parts, { grounds, rates, momenta, steps, words }) => {
    const { landscape, optimizer, learning_rate, momentum, start, stage } = parts;
    const view = (values) => new DataView(Float64Array.from(values).buffer);
    const put = (place) =>
      place.forEach((weight, i) => {
        const step = start[i].get("step");
        start[i].take({ value: Math.round(weight / step) * step });
      });
    const enter = (ground) => {
      ground.stage.reach.forEach(([minimum, maximum], i) => start[i].take({ minimum, maximum }));
      start[0].take({ label: ground.label });
      start[1].element.style.display = ground.start.length === 1 ? "none" : "";
      put(ground.start);
      const binary = { curve: labkitSite.view(ground.curve), map: labkitSite.view(ground.map) };
      stage.take({ ...ground.stage, ...binary });
    };
    return (model) => {
      const ground = grounds[landscape.get("index")];
      if (model === stage && !stage.get("chosen")?.length) return; // only its position
      if (model === landscape) enter(ground);
      if (model === stage) put(stage.get("chosen"));
      const inertia = momenta[momentum.get("value")];
      const name = optimizer.get("_options_labels")[optimizer.get("index")];
      const make = () => OPTIMIZERS[name](rates[learning_rate.get("value")], inertia);
      const from = ground.start.map((_w, i) => start[i].get("value"));
      const walk = follow(LANDSCAPES[ground.name], make, from, steps);
      const { says, losses } = say(new Fates(walk, ground.stage, inertia), words);
      stage.take({
        weights: view(walk.places.flat()),
        slopes: view(walk.slopes.flat()),
        losses: view(walk.losses),
        said: says[stage.get("position")],
        says,
        words: { ...stage.get("words"), losses_read: losses },
        chosen: [],
        revision: stage.get("revision") + 1,
      });
    };
  };
})();
