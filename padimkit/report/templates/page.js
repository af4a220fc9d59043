"use strict";

function value(row, column) {
  const cell = row.cells[column];
  return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
}

// Numbers before texts, in both directions: rows without a number come last.
function compare(one, other, sign) {
  const numbers = [one, other].filter((item) => typeof item === "number").length;
  if (numbers === 2) return sign * (one - other);
  if (numbers === 1) return typeof one === "number" ? -1 : 1;
  return sign * one.localeCompare(other, undefined, { numeric: true });
}

function sort(table, column) {
  const header = table.tHead.rows[0].cells[column];
  const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [value(row, column), row]);
  rows.sort(([one], [other]) => compare(one, other, sign));
  body.append(...rows.map(([, row]) => row));
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sort(table, column));
    header.append(button);
  });
}

function filter(table, text, count) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...table.tBodies[0].rows];
  for (const row of rows) {
    const content = [...row.cells].map((cell) => cell.textContent.trim()).join(" ").toLowerCase();
    row.hidden = !words.every((word) => content.includes(word));
  }
  count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} cells`;
}

// A link may lead into folded details.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
  const single = target.querySelectorAll("details.record");
  if (single.length === 1) single[0].open = true;
  target.scrollIntoView();
}

function enlarge(viewer, button) {
  const figures = [...button.closest(".maps").children];
  const chosen = button.closest("figure");
  viewer.querySelector("h3").textContent = button.querySelector("img").alt;
  const shown = figures.filter((figure) => figure === chosen || !figure.querySelector("button"));
  viewer.querySelector(".view").replaceChildren(
    ...shown.map((figure) => {
      const copy = document.createElement("figure");
      copy.append(figure.querySelector("img").cloneNode(), figure.querySelector("figcaption").cloneNode(true));
      return copy;
    }),
  );
  viewer.showModal();
}

const table = document.getElementById("cell-table");
if (table) {
  const input = document.getElementById("filter");
  const count = document.getElementById("count");
  makeSortable(table);
  input.parentElement.hidden = false;
  input.addEventListener("input", () => filter(table, input.value, count));
  filter(table, input.value, count);
}

const viewer = document.getElementById("viewer");
for (const button of document.querySelectorAll("button.open")) {
  button.addEventListener("click", () => enlarge(viewer, button));
}
viewer?.addEventListener("click", (event) => {
  if (event.target === viewer || event.target.closest("a")) viewer.close();
});

addEventListener("hashchange", unfold);
unfold();
