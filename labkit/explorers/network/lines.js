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
const firstShown = (chosen, count, room) => clamp(chosen - Math.floor(room / 2), 0, Math.max(0, count - room));

// One for all maps: each canvas on the page is a layer, and sixty of them slow down every frame.
const easel = make("canvas");
easel.getContext("2d", { willReadFrequently: true });

/** An element that shows a map, a pixel for each number, in the greys of its line. */
function mapOf(story, number, map, name) {
  const { height, width, low, high } = story.lines[number];
  paintGrey(easel, story.plane(number, map), height, width, low, high);
  const shown = make("div", `lk-pixels ${name}`);
  shown.style.backgroundImage = `url(${easel.toDataURL()})`;
  if (height !== width) shown.style.backgroundSize = "contain";
  return shown;
}

/** Lays out the lines around what is chosen; `stage.js` says what happens on them. */
class Lines {
  /** Lay out the lines and maps around the chosen ones. */
  lay() {
    const focused = this.rows.contains(document.activeElement) && document.activeElement.matches(".lk-maps");
    this.shown = this.linesShown();
    this.first = new Map(this.shown.map((n) => [n, this.firstMap(n)]));
    let before = -1;
    this.rows.replaceChildren();
    for (const number of this.shown) {
      const left = number - before - 1;
      if (left) this.rows.append(make("p", "lk-muted", fill(this.words["more lines"], { n: left })));
      this.rows.append(this.row(number));
      before = number;
    }
    if (focused) this.focusOn(this.chosen[0]);
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
    const after = line.activations.length ? make("small", "lk-muted", ` ${line.activations.join(", ")}`) : null;
    const label = make("div", "lk-label", make("b", "", tail(line.name), after), make("span", "lk-muted", this.shape(number)));
    label.title = `${line.name} ${line.maps} × ${line.height} × ${line.width}`;
    const written = line.maps <= CELLS || line.kind === "softmax";
    const maps = make("div", "lk-maps");
    maps.append(...(line.isVector ? (written ? this.cells(number) : [this.strip(number)]) : this.tiles(number)));
    const move = (down, right) => this.moveInLines(number, down, right);
    chooser(maps, line.name, { move, enter: () => this.open([number, ...this.chosen.slice(1)]) });
    maps.addEventListener("focus", () => this.chosen[0] !== number && this.go(this.sameIn(number)));
    const above = () => make("div", "lk-hinted", this.hint, maps);
    const shown = number ? maps : make("div", "lk-top", this.imageBox, above(), this.focusBox, this.said);
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
      const tile = mapOf(this.story, number, first + n, "lk-map lk-square");
      Object.assign(tile.dataset, { line: number, map: first + n });
      return filters.length ? make("div", "lk-pair", filters[first + n], tile) : tile;
    });
  }

  /** The first layer's filters in colour, if it has a few that look at red, green and blue. */
  filters(line) {
    const [rows, columns] = [line.rows?.[0].length, line.columns?.[0].length];
    if (line.kind !== "products" || line.inputs !== 3 || line.maps > COLUMNS / 2 || rows * columns === 1) return [];
    const found = range(line.maps).map((map) => this.story.filter(1, map)?.weights);
    if (found.includes(undefined)) return [];
    const most = this.brightest || Math.max(...found.flatMap((one) => [...one].map(Math.abs)));
    const size = rows * columns;
    return found.map((weights) => {
      const level = (i) => 255 * (weights[(i % 3) * size + Math.floor(i / 3)] / (2 * most) + 0.5);
      const canvas = hidden(make("canvas", "lk-filter"));
      paintColours(canvas, Uint8ClampedArray.from({ length: 3 * size }, (_, i) => level(i)), rows, columns);
      return canvas;
    });
  }

  strip(number) {
    const { values, low, high } = this.story.lines[number];
    const canvas = make("canvas", "lk-map lk-strip");
    canvas.dataset.line = number;
    paintGrey(canvas, values, 1, values.length, low, high);
    return canvas;
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
      const name = named ? (nameAbove ? null : make("span", "", named[map])) : make("span", "lk-muted", String(map));
      const part = make("i");
      part.style.width = `${100 * value}%`;
      const bar = shares ? make("span", "lk-share", part) : null;
      const cell = make("div", "lk-map lk-cell", name, bar, make("b", "", shares ? percent(value) : fixed(value)));
      cell.classList.toggle("lk-best", value === most);
      cell.title = story.name(number, map);
      Object.assign(cell.dataset, { line: number, map });
      return cell;
    });
  }
}
