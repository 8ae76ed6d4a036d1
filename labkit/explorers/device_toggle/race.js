// Two bars that fill as fast as two devices train; Python says how many images each does a second.
const SECONDS = 6; // that the slower one takes

function render({ model, el }) {
  const table = document.createElement("table");
  const sentence = document.createElement("p");
  sentence.setAttribute("role", "status");
  el.classList.add("lk-race");
  el.append(table, sentence);
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let frame = 0;

  const show = (rates, goal, seconds) => {
    for (const [n, [, rate]] of rates.entries()) {
      const [, , bar, count] = table.rows[n].children;
      const done = Math.min(goal, Math.floor(rate * seconds));
      bar.firstChild.style.width = `${(100 * done) / goal}%`;
      const time = done === goal ? ` ✓ ${(goal / rate).toFixed(2)} s` : "";
      count.textContent = `${done.toLocaleString("en")}${time}`;
    }
  };
  const run = () => {
    cancelAnimationFrame(frame);
    const rates = Object.entries(model.get("rates"));
    table.replaceChildren(
      ...rates.map(([name, rate]) => {
        const row = document.createElement("tr");
        row.innerHTML = `<th scope="row"></th><td></td><td><i></i></td><td></td>`;
        row.children[0].textContent = name;
        row.children[1].textContent = model.get("unit").replace("{n}", Math.round(rate).toLocaleString("en"));
        return row;
      }),
    );
    sentence.textContent = model.get("sentence");
    if (!rates.length) return;
    const slowest = Math.min(...rates.map(([, rate]) => rate));
    const digits = 10 ** Math.max(0, Math.floor(Math.log10(slowest * SECONDS)) - 1);
    const goal = Math.max(1, Math.round((slowest * SECONDS) / digits) * digits);
    if (calm.matches) return show(rates, goal, Infinity);
    const begin = performance.now();
    const step = (now) => {
      const seconds = Math.max(0, now - begin) / 1000;
      show(rates, goal, seconds);
      if (slowest * seconds < goal) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
  };
  model.on("change:revision", run);
  run();
  return () => {
    cancelAnimationFrame(frame);
    model.off("change:revision", run);
  };
}

export default { render };
