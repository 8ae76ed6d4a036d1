// Softmax: what `labkit/explorers/softmax` answers, without Python.
(() => {
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const { grouped: fixed } = labkitSite;
  const signed = (value) => (value >= 0 && !Object.is(value, -0) ? "+" : "") + fixed(value, 3);

  function predict(logits, label) {
    const most = Math.max(...logits);
    const shifted = logits.map((z) => Math.exp(z - most)); // cannot overflow, and gives the same
    const probabilities = shifted.map((power) => power / sum(shifted));
    const truth = logits.map((_z, i) => Number(i === label));
    return {
      logits,
      probabilities,
      truth,
      powers: logits.map(Math.exp),
      gradient: probabilities.map((p, i) => p - truth[i]),
      loss: Math.log(sum(shifted)) - (logits[label] - most),
    };
  }

  labkitSite.answers.softmax = ({ logits, label, added, bars }, { words }) => () => {
    const z = logits.map((slider) => slider.get("value") + added.get("value"));
    const which = label.get("index");
    const shown = predict(z, which);
    const powers = shown.powers.map((power) => power / Math.max(...shown.powers));
    const filled = [
      { texts: shown.logits.map((v) => fixed(v, 1)) },
      { texts: shown.powers.map((v) => fixed(v, 2)), lengths: powers },
      { texts: shown.probabilities.map((v) => fixed(v, 3)), lengths: shown.probabilities },
      { texts: shown.truth.map((v) => fixed(v, 0)) },
      { texts: shown.gradient.map(signed), lengths: shown.gradient },
    ];
    const table = bars.get("table");
    const columns = table.columns.map((column, i) => ({ ...column, ...filled[i] }));
    const [powerSum, ...sums] = [shown.powers, shown.probabilities, shown.truth].map(sum);
    const foot = [
      ...table.foot.slice(0, 2),
      fixed(powerSum, 2),
      fixed(sums[0], 3),
      fixed(sums[1], 0),
      fixed(Math.abs(sum(shown.gradient)), 3),
    ];
    const likeliest = shown.probabilities.indexOf(Math.max(...shown.probabilities));
    const text = `${words.loss} ${likeliest === which ? words.right : words.wrong}`;
    const sentence = text
      .replace("{true}", table.classes[which])
      .replace("{other}", table.classes[likeliest])
      .replace("{p:.3f}", shown.probabilities[which].toFixed(3))
      .replace("{loss:.3f}", shown.loss.toFixed(3));
    bars.take({ table: { ...table, columns, foot, label: which }, sentence, revision: bars.get("revision") + 1 });
  };
})();
