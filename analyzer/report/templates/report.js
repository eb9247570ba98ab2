"use strict";
(() => {
  const root = document.documentElement;
  const table = document.getElementById("call-table");
  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const more = document.createElement("button");
  const chips = [...document.querySelectorAll(".chip")];
  const bodies = [...table.tBodies];
  const texts = new Map(bodies.map((body) => [body, body.textContent.toLowerCase()]));

  // Rows that are laid out at once: more follow when the reader comes to their end.
  const STEP = 150;
  let limit = STEP;

  const open = (body, wanted) => {
    const details = body.querySelector("details");
    if (!details) return;
    details.open = wanted;
    body.classList.toggle("open", wanted);
    body.querySelector(".toggle button").setAttribute("aria-expanded", String(wanted));
  };

  const addToggle = (body) => {
    const details = body.querySelector("details");
    if (!details) return;
    const button = document.createElement("button");
    const row = body.rows[0];
    details.id = body.id + "-more";
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", details.id);
    button.setAttribute("aria-label", `Chain of ${row.cells[1].textContent} to ${row.cells[2].textContent}`);
    row.cells[0].append(button);
    row.addEventListener("click", () => {
      if (getSelection().isCollapsed) open(body, !body.classList.contains("open"));
    });
  };

  const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.verdict);
    let rows = 0;
    let calls = 0;
    for (const body of bodies) {
      const text = texts.get(body);
      const kept = (!verdicts.length || verdicts.includes(body.dataset.verdict)) && words.every((word) => text.includes(word));
      body.hidden = !kept || rows >= limit;
      if (kept) {
        rows += 1;
        calls += Number(body.dataset.calls);
      }
    }
    more.hidden = rows <= limit;
    shown.textContent = `${count(calls, "call")} in ${count(rows, "row")}`;
  };

  const renew = () => {
    limit = STEP;
    apply();
  };

  const grow = (by) => {
    limit += by;
    apply();
  };

  const key = (body, column) => {
    const cell = body.rows[0].cells[column];
    return "sort" in cell.dataset ? Number(cell.dataset.sort) : cell.textContent.toLowerCase();
  };

  const sort = (heading) => {
    const column = heading.cellIndex;
    const falling = heading.getAttribute("aria-sort") === "ascending";
    const keys = new Map(bodies.map((body) => [body, key(body, column)]));
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
    bodies.sort((one, other) => {
      const [a, b] = [keys.get(one), keys.get(other)];
      const order = a < b ? -1 : a > b ? 1 : 0;
      return falling ? -order : order;
    });
    table.append(...bodies);
    renew();
  };

  const addSort = (heading) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sort(heading));
    heading.replaceChildren(button);
  };

  const follow = () => {
    const body = document.getElementById(location.hash.slice(1));
    if (!bodies.includes(body)) return;
    if (body.hidden) {
      filter.value = "";
      for (const chip of chips) chip.setAttribute("aria-pressed", "false");
      limit = Math.max(limit, bodies.indexOf(body) + 1);
      apply();
    }
    open(body, true);
    body.scrollIntoView();
  };

  bodies.forEach(addToggle);
  [...table.tHead.rows[0].cells].filter((cell) => cell.scope === "col").forEach(addSort);
  filter.addEventListener("input", renew);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      renew();
    });
  }
  for (const link of document.querySelectorAll('.links a[href^="#g"]')) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      location.hash = link.hash;
      follow();
    });
  }
  more.type = "button";
  more.className = "more-rows";
  more.textContent = "More rows";
  more.addEventListener("click", () => grow(STEP));
  table.after(more);
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) grow(STEP);
  }).observe(more);
  addEventListener("beforeprint", () => grow(bodies.length));
  addEventListener("hashchange", follow);
  document.getElementById("tools").hidden = false;
  root.classList.add("js");
  apply();
  follow();
})();
