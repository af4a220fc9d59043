"use strict";

const WIDTH = 1000;
const BINS = 50;
const AT_A_TIME = 4; // requests, so that the server has a batch to score and others are not kept out
const SUFFIXES = /\.(bmp|gif|jp2|jpe?g|pgm|png|ppm|tiff?|webp)$/i;
const COLUMNS = ["path", "verdict", "score", "p_value", "threshold", "regions", "left", "top", "right", "bottom", "area", "background", "unseen", "model", "milliseconds", "error", "tried_threshold", "tried_verdict"];
const VERDICTS = ["OK", "REVIEW", "NG", "ERROR"];
const at = (id) => document.getElementById(id);
const short = (value) => String(Number(value.toPrecision(4)));
const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
const state = { models: [], model: null, threshold: 0, review: 0, images: [], round: 0, sending: 0, leftOut: 0, soon: false };

// As Calibration.verdict.
function verdict(line, threshold, review) {
  if (line.score === null) return "ERROR";
  if (line.score > threshold) return "NG";
  return line.score > review ? "REVIEW" : "OK";
}
const tried = (image) => verdict(image.line, state.threshold, state.review);
const done = () => state.images.filter((image) => image.line);

function say(problem) {
  at("problem").textContent = problem;
  at("problem").hidden = !problem;
}

// Names of files are text of strangers: they are only ever set as text.
function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

async function start() {
  let answer;
  try {
    answer = await fetch("models");
    state.models = await answer.json();
  } catch {
    say("The server does not answer. Load this page again once it runs.");
    return;
  }
  for (const model of state.models) {
    const option = element("option", model.name);
    option.value = model.name;
    at("model").append(option);
  }
  at("chosen").hidden = state.models.length < 2;
  choose(state.models[0]);
}

function choose(model) {
  state.model = model;
  state.threshold = model.threshold;
  state.review = model.review_threshold;
  at("about").textContent = `${model.name}: NG above ${short(model.threshold)}, REVIEW above ${short(model.review_threshold)}, by ${model.scores.length} normal images.`;
  at("thresholds").hidden = false;
  const files = state.images.map(({ file, name, scan, page }) => ({ file, name, scan, page }));
  clear();
  add(files);
}

function clear() {
  state.round += 1; // answers to what was sent before are not for these images
  Object.assign(state, { images: [], leftOut: 0, sending: 0 });
  at("cards").replaceChildren();
  show();
}

// Sending

function add(files) {
  for (const one of files) state.images.push({ ...one, line: null, sent: false });
  at("results").hidden = !state.images.length;
  show();
  while (state.sending < AT_A_TIME && state.images.some((image) => !image.sent)) send();
}

async function send() {
  const round = state.round;
  state.sending += 1;
  for (;;) {
    const image = state.images.find((one) => !one.sent);
    if (!image) break;
    image.sent = true;
    const line = await asked(image);
    if (round !== state.round) return;
    if (line.pages) {
      split(image, line.pages);
      continue;
    }
    image.line = line;
    place(image);
    showSoon();
  }
  state.sending -= 1;
}

// A TIFF that holds several images becomes one for each of its pages.
function split(image, pages) {
  const { file, name } = image;
  const parts = pages.map((page) => ({ file, name: `${name}[${page}]`, scan: name, page, line: null, sent: false }));
  state.images.splice(state.images.indexOf(image), 1, ...parts);
  show();
}

async function asked({ file, name, scan, page }) {
  const failed = (error) => ({ path: name, verdict: "ERROR", score: null, regions: [], error });
  if (file.size > 1e6 * state.model.megabytes) return failed(`larger than the ${state.model.megabytes} MB that the server takes`);
  const query = new URLSearchParams({ model: state.model.name, name: scan ?? name, with: "preview" });
  if (page !== undefined) query.set("page", page);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await fetch(`predict?${query}`, { method: "POST", body: file });
      if (answer.status !== 503 || attempt === 30) {
        const line = await answer.json();
        return "verdict" in line ? line : { ...failed(line.error), pages: line.pages };
      }
    } catch {
      if (attempt >= 5) return failed("the server does not answer");
    }
    await pause(Math.min(attempt, 5) / 2);
  }
}

// Showing

function place(image) {
  const { line, name } = image;
  const card = element("figure");
  if (line.preview) {
    const open = element("button");
    const picture = element("img");
    picture.src = `data:image/jpeg;base64,${line.preview.overlay}`;
    picture.alt = `Map of ${name}`;
    open.type = "button";
    open.append(picture);
    open.addEventListener("click", () => view(image));
    card.append(open);
  }
  const text = element("figcaption", name);
  image.badge = element("span", "", "verdict");
  text.append(image.badge, element("span", line.score === null ? line.error : described(line)));
  card.append(text);
  image.card = card;
  at("cards").insertBefore(card, next(image));
}

function described(line) {
  return `score ${short(line.score)}, p ${short(line.p_value)}, ${line.regions.length} region${line.regions.length === 1 ? "" : "s"}`;
}

function before(one, other) {
  if (at("order").value === "name") return one.name < other.name;
  return (one.line.score ?? Infinity) > (other.line.score ?? Infinity);
}

function next(image) {
  const later = done().filter((other) => other.card && other !== image && before(image, other));
  return later.reduce((first, other) => (first && !before(other, first) ? first : other), null)?.card ?? null;
}

function reorder() {
  const known = done().sort((one, other) => (before(one, other) ? -1 : Number(before(other, one))));
  at("cards").replaceChildren(...known.map((image) => image.card));
}

function view({ line, name }) {
  at("view-name").textContent = name;
  at("view-text").textContent = `${line.verdict}, ${described(line)}`;
  at("view-image").src = `data:image/jpeg;base64,${line.preview.image}`;
  at("view-overlay").src = `data:image/jpeg;base64,${line.preview.overlay}`;
  at("view").showModal();
}

// Once for all answers that come before the next picture of the screen.
function showSoon() {
  if (state.soon) return;
  state.soon = true;
  requestAnimationFrame(show);
}

function show() {
  state.soon = false;
  const known = done();
  const left = state.images.length - known.length;
  const out = state.leftOut ? ` ${state.leftOut} files were left out: they are hidden or no images.` : "";
  at("status").textContent = state.images.length || out ? `${known.length} of ${state.images.length} images are done.${left ? "" : out}` : "";
  if (!state.model) return;
  showCounts(known);
  showThresholds(known);
  for (const image of known) {
    const found = tried(image);
    image.card.dataset.verdict = found;
    image.badge.textContent = found === image.line.verdict ? found : `${found}, by the model ${image.line.verdict}`;
  }
}

function showCounts(known) {
  const rows = { "by-model": (image) => image.line.verdict, "by-page": tried };
  for (const [id, by] of Object.entries(rows)) {
    const found = known.map(by);
    VERDICTS.forEach((name, column) => {
      at(id).cells[column + 1].textContent = found.filter((one) => one === name).length;
    });
  }
  const changed = known.filter((image) => tried(image) !== image.line.verdict).length;
  at("total").textContent = known.length;
  at("changed").textContent = changed ? `${changed} would change` : "none would change";
}

function showThresholds(known) {
  const { model } = state;
  const scores = known.map((image) => image.line.score).filter((score) => score !== null);
  const all = [...model.scores, model.threshold, model.review_threshold, state.threshold, state.review, ...scores];
  const least = all.reduce((one, other) => Math.min(one, other));
  const most = all.reduce((one, other) => Math.max(one, other));
  const edge = (most - least) / 50 || 1; // so that a threshold can be above all scores
  const [lowest, highest] = [least - edge, most + edge];
  const span = highest - lowest;
  const x = (score) => (WIDTH * (score - lowest)) / span;
  for (const name of ["threshold", "review"]) {
    Object.assign(at(name), { min: lowest, max: highest });
    at(name).value = state[name];
    at(`${name}-value`).textContent = short(state[name]);
    for (const end of ["x1", "x2"]) at(`${name}-line`).setAttribute(end, x(state[name]));
  }
  at("ticks").setAttribute("d", scores.map((score) => `M${x(score).toFixed(1)} 112v30`).join(""));
  showBars(model.scores.map(x));
  const above = model.scores.filter((score) => score > state.threshold).length;
  const promised = (100 * (above + 1)) / (model.scores.length + 1);
  at("promise").textContent = `By the calibration on ${model.scores.length} normal images, this threshold of NG gives at most ${promised.toFixed(1)} % false alarms.`;
  at("moved").hidden = state.threshold === model.threshold && state.review === model.review_threshold;
}

function showBars(places) {
  const counts = new Array(BINS).fill(0);
  for (const place of places) counts[Math.min(BINS - 1, Math.floor((BINS * place) / WIDTH))] += 1;
  const most = Math.max(...counts);
  const bars = counts.map((count, bin) => {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const height = (100 * count) / most;
    const box = { x: (bin * WIDTH) / BINS + 1, y: 104 - height, width: WIDTH / BINS - 2, height };
    for (const [name, value] of Object.entries(box)) bar.setAttribute(name, value);
    return bar;
  });
  at("bars").replaceChildren(...bars);
}

// The threshold of REVIEW is never above that of NG: one that is moved takes the other along.
function move(threshold, review) {
  Object.assign(state, { threshold, review });
  show();
}

// Results as CSV

// A program for tables would take a name that begins like a formula for one.
function cell(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function row(image) {
  const { line } = image;
  const [first] = line.regions;
  const [left, top, right, bottom] = first ? first.box : [];
  const values = { ...line, left, top, right, bottom, area: first?.area, regions: line.regions.length, tried_threshold: state.threshold, tried_verdict: tried(image) };
  return COLUMNS.map((name) => cell(values[name])).join(",");
}

function download() {
  const text = [COLUMNS.join(","), ...done().map(row)].join("\r\n");
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([`${text}\r\n`], { type: "text/csv" }));
  link.download = "results.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Files and folders

function take(found, fromFolder) {
  const kept = found.filter(({ file }) => !fromFolder || (SUFFIXES.test(file.name) && !file.name.startsWith(".")));
  state.leftOut += found.length - kept.length;
  add(kept);
}

const listed = (reader) => new Promise((give, fail) => reader.readEntries(give, fail));
const opened = (entry) => new Promise((give, fail) => entry.file(give, fail));

async function within(entry) {
  if (entry.isFile) return [{ file: await opened(entry), name: entry.fullPath.replace(/^\//, "") }];
  const reader = entry.createReader();
  const found = [];
  for (let part = await listed(reader); part.length; part = await listed(reader)) {
    for (const below of part) found.push(...(await within(below)));
  }
  return found;
}

async function drop(items) {
  // The list is empty once this function has waited.
  const dropped = [...items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  try {
    for (const one of dropped) {
      if (one instanceof File) take([{ file: one, name: one.name }], false);
      else take(await within(one), one.isDirectory);
    }
  } catch (error) {
    say(`A file could not be read: ${error.message}`);
  }
}

for (const [button, input] of [["choose-files", "files"], ["choose-folder", "folder"]]) {
  at(button).addEventListener("click", () => at(input).click());
  at(input).addEventListener("change", (event) => {
    const files = [...event.target.files];
    take(files.map((file) => ({ file, name: file.webkitRelativePath || file.name })), input === "folder");
    event.target.value = "";
  });
}
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  at("drop").classList.add("over");
});
document.addEventListener("dragleave", () => at("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  drop(event.dataTransfer.items);
});
at("threshold").addEventListener("input", ({ target }) => move(Number(target.value), Math.min(Number(target.value), state.review)));
at("review").addEventListener("input", ({ target }) => move(Math.max(Number(target.value), state.threshold), Number(target.value)));
at("reset").addEventListener("click", () => move(state.model.threshold, state.model.review_threshold));
at("model").addEventListener("change", ({ target }) => choose(state.models.find((model) => model.name === target.value)));
at("order").addEventListener("change", reorder);
at("csv").addEventListener("click", download);
at("clear").addEventListener("click", () => {
  clear();
  at("results").hidden = true;
  at("choose-files").focus();
});
at("controls").addEventListener("submit", (event) => event.preventDefault());
start();
