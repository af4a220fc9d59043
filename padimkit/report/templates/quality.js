"use strict";

const WIDTH = 1000;
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const state = { threshold: data.threshold, review: data.review };

// As Calibration.verdict: 0 is OK, 1 REVIEW, 2 NG.
function verdict(score) {
  if (score > state.threshold) return 2;
  return score > state.review ? 1 : 0;
}

function counts(bad, folder) {
  const found = [0, 0, 0];
  for (const [score, kind, name] of data.images) {
    if (kind === bad && (folder === undefined || name === folder)) found[verdict(score)] += 1;
  }
  return found;
}

function showRate(id, kind, count) {
  const [lower, upper] = data.limits[kind];
  const total = lower.length - 1;
  at(id).textContent = percent(count / total);
  at(`${id}-limits`).textContent = `${count} of ${total}, ${percent(lower[count])} to ${percent(upper[count])}`;
}

function showTable() {
  for (const row of at("confusion").tBodies[0].rows) {
    counts(Number(row.dataset.bad), row.dataset.folder).forEach((count, place) => {
      row.cells[place + 1].textContent = count;
    });
  }
}

function showPictures(id, wanted, count) {
  let shown = 0;
  for (const figure of at(`${id}-pictures`).children) {
    figure.hidden = verdict(Number(figure.dataset.score)) !== wanted;
    shown += figure.hidden ? 0 : 1;
  }
  at(`${id}-count`).textContent = shown < count ? `${count}, of which ${shown} are shown.` : `${count}.`;
}

function showThresholds() {
  const { min, max } = at("threshold");
  const span = Number(max) - Number(min) || 1;
  for (const name of ["threshold", "review"]) {
    at(name).value = state[name];
    at(`${name}-value`).textContent = Number(state[name].toPrecision(4));
    for (const end of ["x1", "x2"]) {
      at(`${name}-line`).setAttribute(end, (WIDTH * (state[name] - Number(min))) / span);
    }
  }
  const above = data.calibration.filter((score) => score > state.threshold).length;
  const promised = (above + 1) / (data.calibration.length + 1);
  at("promise").textContent = `By its calibration on ${data.calibration.length} normal images, this threshold of NG gives at most ${percent(promised)} false alarms.`;
  at("moved").hidden = state.threshold === data.threshold && state.review === data.review;
}

function show() {
  const good = counts(0);
  const bad = counts(1);
  showRate("false-alarms", "good", good[2]);
  showRate("missed", "bad", bad[0]);
  showRate("good-review", "good", good[1]);
  showRate("bad-review", "bad", bad[1]);
  showTable();
  showPictures("misses", 0, bad[0]);
  showPictures("alarms", 2, good[2]);
  showThresholds();
}

// The threshold of REVIEW is never above that of NG: one that is moved takes the other along.
function move(threshold, review) {
  state.threshold = threshold;
  state.review = review;
  show();
}

at("threshold").addEventListener("input", (event) => {
  const value = Number(event.target.value);
  move(value, Math.min(value, state.review));
});
at("review").addEventListener("input", (event) => {
  const value = Number(event.target.value);
  move(Math.max(value, state.threshold), value);
});
at("reset").addEventListener("click", () => move(data.threshold, data.review));
at("fit").addEventListener("click", () => move(data.best, data.best));
at("controls").addEventListener("submit", (event) => event.preventDefault());
at("controls").hidden = false;
show();
