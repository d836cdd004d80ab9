"use strict";
document.querySelectorAll("table.sortable").forEach((table) => {
  const body = table.tBodies[0];
  table.querySelectorAll("th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.append(button);
    button.addEventListener("click", () => {
      const rising = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th").forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const key = (row) => {
        const cell = row.cells[column];
        const text = cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.trim();
        return text === "" ? null : isNaN(Number(text)) ? text : Number(text);
      };
      const order = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        const less = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
        return rising ? less : -less;
      };
      [...body.rows].sort(order).forEach((row) => body.append(row));
    });
  });
});
document.querySelectorAll("input[type=search]").forEach((field) => {
  const cards = field.dataset.cards;
  const rows = cards
    ? [...document.getElementById(cards).children]
    : [...document.getElementById(field.dataset.table).tBodies[0].rows];
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row) => {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((w) => text.includes(w));
    });
  });
});
document.querySelectorAll(".all-outlines").forEach((all) => {
  const fields = all.parentElement.nextElementSibling;
  all.addEventListener("change", () => {
    fields.querySelectorAll(".outlines").forEach((one) => { one.checked = all.checked; });
  });
});
