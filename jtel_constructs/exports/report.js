"use strict";
(() => {
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const make = (tag, text, parent) => {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  };
  const data = JSON.parse(document.getElementById("data").textContent);
  document.documentElement.classList.add("scripted");

  // tabs: the arrow keys move between them
  for (const list of all('[role="tablist"]')) {
    const tabs = all('[role="tab"]', list);
    const choose = (chosen) => tabs.forEach((tab) => {
      tab.setAttribute("aria-selected", tab === chosen);
      tab.tabIndex = tab === chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    });
    choose(tabs[0]);
    tabs.forEach((tab, index) => {
      tab.addEventListener("click", () => choose(tab));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = tabs[(index + step + tabs.length) % tabs.length];
        choose(next);
        next.focus();
        event.preventDefault();
      });
    });
  }

  // the grid: one stop of the tabulator a grid, the arrow keys within
  const detail = document.getElementById("detail");
  const tip = make("div", "", document.body);
  tip.id = "tip";
  tip.hidden = true;
  let pressed = null;
  const titleOf = (cell) => cell.getAttribute("aria-label").split(": ")[0];

  const heads = (cell) => {
    const field = cell.parentElement, line = field.parentElement;
    return [line.cells[0], line.closest("table").tHead.rows[0].cells[field.cellIndex]];
  };
  const point = (cell) => {
    tip.replaceChildren();
    make("b", titleOf(cell), tip);
    make("span", data.cells[cell.dataset.c][0], tip);
    tip.hidden = false;
    const at = cell.getBoundingClientRect(), size = tip.getBoundingClientRect();
    const above = at.top - size.height - 8;
    tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
    tip.style.top = `${above > 60 ? above : at.bottom + 8}px`;
    heads(cell).forEach((head) => head.classList.add("lit"));
  };
  const leave = (cell) => {
    tip.hidden = true;
    heads(cell).forEach((head) => head.classList.remove("lit"));
  };
  const close = () => {
    detail.hidden = true;
    if (pressed) pressed.setAttribute("aria-pressed", "false");
    pressed = null;
  };
  const open = (cell) => {
    close();
    pressed = cell;
    cell.setAttribute("aria-pressed", "true");
    const [ports, entries] = data.cells[cell.dataset.c];
    const body = detail.lastElementChild;
    body.replaceChildren();
    make("h3", titleOf(cell), body);
    make("p", ports, body);
    const table = make("table", "", body);
    const head = make("tr", "", make("thead", "", table));
    for (const name of ["port", "row", "what for", "let in as"]) make("th", name, head).scope = "col";
    const lines = make("tbody", "", table);
    for (const [protocol, range, row, mark, who] of entries) {
      const line = make("tr", "", lines);
      make("td", `${protocol} ${range}`, line).className = "code";
      const link = make("a", row, make("td", "", line));
      link.href = `#row-${row}`;
      const field = make("td", data.rows[row][0], line);
      make("span", data.rows[row][1], field).className = "note";
      if (mark) make("span", mark, field).className = "badge";
      make("td", who, line);
    }
    detail.hidden = false;
  };

  for (const grid of all(".grid")) {
    const lines = [...grid.tBodies[0].rows];
    const cells = all("button.cell", grid);
    cells.forEach((cell, index) => {
      cell.tabIndex = index ? -1 : 0;
      cell.setAttribute("aria-pressed", "false");
    });
    const go = (cell) => {
      cells.forEach((other) => { other.tabIndex = other === cell ? 0 : -1; });
      cell.focus();
      // not behind what is shown of another cell
      if (!detail.hidden) cell.scrollIntoView({ block: "center", inline: "nearest" });
    };
    const next = (cell, down, right) => {
      let row = lines.indexOf(cell.closest("tr")), column = cell.parentElement.cellIndex;
      for (;;) {
        row += down;
        column += right;
        const field = lines[row] && column > 0 && lines[row].cells[column];
        if (!field) return null;
        if (field.firstElementChild) return field.firstElementChild;
      }
    };
    const moves = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
    cells.forEach((cell) => {
      cell.addEventListener("mouseenter", () => point(cell));
      cell.addEventListener("mouseleave", () => leave(cell));
      cell.addEventListener("focus", () => point(cell));
      cell.addEventListener("blur", () => leave(cell));
      cell.addEventListener("click", () => { if (pressed === cell) close(); else open(cell); });
      cell.addEventListener("keydown", (event) => {
        if (!moves[event.key]) return;
        const found = next(cell, ...moves[event.key]);
        if (found) go(found);
        event.preventDefault();
      });
    });
  }
  detail.querySelector(".close").addEventListener("click", () => {
    const back = pressed;
    close();
    if (back) back.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !detail.hidden) {
      const back = pressed;
      close();
      if (back) back.focus();
    }
  });

  // the search: every word must be in the line, and a number may also lie within its ports
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const rules = all("#rule-table tbody tr").map((line) => ({
    line,
    text: line.textContent.toLowerCase(),
    cells: [...line.cells].map((field) => field.textContent.toLowerCase()),
    first: Number(line.dataset.first),
    last: Number(line.dataset.last),
  }));
  const matches = (rule, word) => {
    if (/^[0-9]+$/.test(word)) {
      const port = Number(word);
      return (rule.first <= port && port <= rule.last) || rule.cells[2].includes(word);
    }
    return rule.text.includes(word);
  };
  const find = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const rule of rules) {
      rule.line.hidden = !words.every((word) => matches(rule, word));
      if (!rule.line.hidden) shown += 1;
    }
    // a printed page must say that it does not show all
    search.parentElement.classList.toggle("active", words.length > 0);
    count.textContent = words.length
      ? `${shown} of ${rules.length} lines`
      : `${rules.length} line${rules.length === 1 ? "" : "s"}`;
  };
  search.addEventListener("input", find);
  find();
})();
