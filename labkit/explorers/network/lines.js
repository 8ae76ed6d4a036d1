// The lines of a network as parts of the page: a row of maps, a strip of numbers, or cells with
// the names of the classes.

const COLUMNS = 16;
const CELLS = 12; // a vector of so many numbers is written out, a longer one is a strip
const LIKELIEST = 10;
const ROOM = 320; // points for the lines between the image and the last one

/** The end of a long name, which tells more than its beginning. */
const tail = (name) => (name.length > 10 ? `…${name.slice(-9)}` : name);

/** A vector as a square: its columns. */
const wrapped = (line) => (line.isVector ? Math.ceil(Math.sqrt(line.maps)) : line.width);

/** The first of `room` things shown out of `count`, so that the chosen one is among them. */
const firstShown = (chosen, count, room) =>
  clamp(chosen - Math.floor(room / 2), 0, Math.max(0, count - room));

// One for all maps: each canvas on the page is a layer, and sixty of them slow down every frame.
const easel = make("canvas");
easel.getContext("2d", { willReadFrequently: true });

/** Show in an element what `painting` paints, a pixel for each number. */
function pixels(shown, painting, ...numbers) {
  painting(easel, ...numbers);
  shown.style.backgroundImage = `url(${easel.toDataURL()})`;
}

/** Lays out the lines around what is chosen; `stage.js` says what happens on them. */
class Lines {
  /** Lay out the lines and maps around the chosen ones. */
  lay() {
    const focused =
      this.rows.contains(document.activeElement) && document.activeElement.matches(".lk-maps");
    this.shown = this.linesShown();
    this.first = new Map(this.shown.map((n) => [n, this.firstMap(n)]));
    this.painters = [];
    let before = -1;
    this.rows.replaceChildren();
    for (const number of this.shown) {
      const left = number - before - 1;
      if (left)
        this.rows.append(make("p", "lk-muted", fill(this.words["more lines"], { n: left })));
      this.rows.append(this.row(number));
      before = number;
    }
    this.paint();
    if (focused) this.focusOn(this.chosen[0]);
  }

  /** Show the numbers of the story, in the lines that are laid out. */
  paint() {
    for (const painter of this.painters) painter();
  }

  linesShown() {
    const { lines, last } = this.story;
    const heights = lines.map((line) => (line.isVector ? 28 : 58));
    const at = clamp(this.chosen[0], 1, Math.max(1, last - 1));
    let [start, end, room] = [at, at, ROOM - heights[at]];
    for (;;) {
      if (end + 1 < last && heights[end + 1] <= room) room -= heights[++end];
      else if (start > 1 && heights[start - 1] <= room) room -= heights[--start];
      else break;
    }
    const between = range(end - start + 1).map((n) => start + n);
    return [...new Set([0, ...between, last])].sort((a, b) => a - b);
  }

  firstMap(number) {
    const [line, map] = this.chosen;
    const before = this.first?.get(number) ?? 0;
    if (line !== number || (map >= before && map < before + COLUMNS)) return before;
    return firstShown(map, this.story.lines[number].maps, COLUMNS);
  }

  row(number) {
    const line = this.story.lines[number];
    const after =
      line.activations.length ? make("small", "lk-muted", ` ${line.activations.join(", ")}`) : null;
    const name = make("b", "", tail(line.name), after);
    const label = make("div", "lk-label", name, make("span", "lk-muted", this.shape(number)));
    label.title = `${line.name} ${line.maps} × ${line.height} × ${line.width}`;
    const written = line.maps <= CELLS || line.kind === "softmax";
    const maps = make("div", "lk-maps");
    if (line.isVector && written)
      this.painters.push(() => maps.replaceChildren(...this.cells(number)));
    else maps.append(...(line.isVector ? [this.strip(number)] : this.tiles(number)));
    const move = (down, right) => this.moveInLines(number, down, right);
    chooser(maps, line.name, { move, enter: () => this.open([number, ...this.chosen.slice(1)]) });
    maps.addEventListener("focus", () => this.chosen[0] !== number && this.go(this.sameIn(number)));
    const above = () => make("div", "lk-hinted", this.hint, maps);
    const shown =
      number ? maps : make("div", "lk-top", this.imageBox, above(), this.focusBox, this.said);
    const row = make("div", line.isVector ? "lk-row lk-vector" : "lk-row", label, shown);
    row.dataset.line = maps.dataset.chooses = number;
    return row;
  }

  /** The chosen map, at the same part of the image, in another line. */
  sameIn(number) {
    const [from, map, row, column] = this.chosen;
    const [line, next] = [this.story.lines[from], this.story.lines[number]];
    const same = (at, count, to) => Math.floor(((at + 0.5) / count) * to);
    return [number, map, same(row, line.height, next.height), same(column, line.width, next.width)];
  }

  shape(number) {
    const { maps, height, width, isVector } = this.story.lines[number];
    if (isVector) return `${maps}`;
    const first = this.first.get(number);
    if (maps > COLUMNS) return fill(this.words.part, { first, last: first + COLUMNS - 1, n: maps });
    return `${maps} × ${height} × ${width}`;
  }

  tiles(number) {
    const line = this.story.lines[number];
    const first = this.first.get(number);
    const filters = number === 1 ? this.filters(line) : [];
    return range(Math.min(COLUMNS, line.maps - first)).map((n) => {
      const tile =
        this.greys(number, line.height, line.width, () => this.story.plane(number, first + n));
      tile.classList.add("lk-square");
      tile.dataset.map = first + n;
      if (line.height !== line.width) tile.style.backgroundSize = "contain";
      return filters.length ? make("div", "lk-pair", filters[first + n], tile) : tile;
    });
  }

  /** The first layer's filters in colour, if it has a few that look at red, green and blue. */
  filters(line) {
    const [rows, columns] = [line.rows?.[0].length, line.columns?.[0].length];
    const colours = line.kind === "products" && line.inputs === 3;
    if (!colours || line.maps > COLUMNS / 2 || rows * columns === 1) return [];
    const size = rows * columns;
    const weights = () => range(line.maps).map((map) => this.story.filter(1, map)?.weights);
    if (weights().includes(undefined)) return [];
    const shown = range(line.maps).map(() => hidden(make("div", "lk-pixels lk-filter")));
    this.painters.push(() => {
      const found = weights();
      const most = this.brightest || Math.max(...found.flatMap((one) => [...one].map(Math.abs)));
      found.forEach((one, map) => {
        const level = (_, i) => 255 * (one[(i % 3) * size + Math.floor(i / 3)] / (2 * most) + 0.5);
        const levels = Uint8ClampedArray.from({ length: 3 * size }, level);
        pixels(shown[map], paintColours, levels, rows, columns);
      });
    });
    return shown;
  }

  strip(number) {
    const { maps } = this.story.lines[number];
    const strip = this.greys(number, 1, maps, () => this.story.lines[number].values);
    strip.classList.add("lk-strip");
    return strip;
  }

  /** Numbers in the greys of their line. */
  greys(number, height, width, values) {
    const shown = make("div", "lk-pixels lk-map");
    shown.dataset.line = number;
    this.painters.push(() => {
      const { low, high } = this.story.lines[number];
      pixels(shown, paintGrey, values(), height, width, low, high);
    });
    return shown;
  }

  /** Numbers written out, with the names of the classes where they are theirs. */
  cells(number) {
    const { story } = this;
    const line = story.lines[number];
    const shares = line.kind === "softmax";
    const named = story.names(number);
    const order = range(line.maps);
    if (line.maps > CELLS) order.sort((a, b) => line.values[b] - line.values[a]).splice(LIKELIEST);
    const most = Math.max(...line.values);
    const nameAbove = shares && line.maps <= CELLS && this.shown.includes(line.sources[0]);
    return order.map((map) => {
      const value = line.values[map];
      const name = named
        ? (nameAbove ? null : make("span", "", named[map]))
        : make("span", "lk-muted", String(map));
      const part = make("i");
      part.style.width = `${100 * value}%`;
      const bar = shares ? make("span", "lk-share", part) : null;
      const share = make("b", "", shares ? percent(value) : fixed(value));
      const cell = make("div", "lk-map lk-cell", name, bar, share);
      cell.classList.toggle("lk-best", value === most);
      cell.title = story.name(number, map);
      Object.assign(cell.dataset, { line: number, map });
      return cell;
    });
  }
}
