"use strict";
(() => {
  const root = document.documentElement;
  const table = document.getElementById("call-table");
  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const chips = [...document.querySelectorAll(".chip")];

  // Rows are laid out where the reader is: chunks of them, with room in place of those above and below.
  const CHUNK = 50;
  const MARGIN_PX = 1600;
  const ROW_PX = 34;

  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  const cell = (kind, ...children) => element("td", { class: kind, role: "cell" }, ...children);

  const swatch = (word) => element("span", { class: `verdict ${word}` }, word);

  // A row of the page's data: what stands in the table, and which command has its chain.
  const bareRow = (anchor, words, line) => {
    const [source, target, sent, others, verdict, reason, seen, disagrees, calls, id, packets] = line;
    const cells = [words[source], words[target], sent, words[verdict], words[reason], words[seen]];
    const make = () => {
      const more = others ? element("span", { class: "quiet-inline" }, ` and ${count(others, "other")}`) : "";
      const flag = disagrees ? element("span", { class: "flag" }, "disagrees") : "";
      const row = element(
        "tr",
        { class: "row", role: "row" },
        cell("toggle"),
        cell("from", words[source]),
        cell("to", words[target]),
        cell("sent", sent, more),
        cell("end", swatch(words[verdict])),
        cell("why", words[reason]),
        cell(disagrees ? "seen disagrees" : "seen", words[seen], " ", flag),
        cell("number", calls.toLocaleString("en")),
      );
      const command = element("code", {}, `meshverdict explain CAPTURE... -m MESH --call ${id}`);
      const said = element("p", { class: "meaning" }, `Call ${id}, ${packets}. Its chain: `, command);
      const details = element("details", {}, element("summary", {}, `Call ${id}`), said);
      const below = element("td", { colspan: "8", role: "cell" }, details);
      const body = element("tbody", { id: anchor, role: "rowgroup" }, row, element("tr", { class: "more", role: "row" }, below));
      addToggle(body);
      return body;
    };
    const text = [...cells, id, packets, disagrees ? "disagrees" : ""].join("\n").toLowerCase();
    const keys = [null, ...cells.map((one) => one.toLowerCase()), calls];
    keys[4] = verdict;
    return { anchor, text, keys, verdict: words[verdict], calls, body: null, make, height: 0 };
  };

  const shownRow = (body) => {
    const keys = [...body.rows[0].cells].map((one) => ("sort" in one.dataset ? Number(one.dataset.sort) : one.textContent.toLowerCase()));
    const text = body.textContent.toLowerCase();
    return { anchor: body.id, text, keys, verdict: body.dataset.verdict, calls: Number(body.dataset.calls), body, make: null, height: 0 };
  };

  const open = (body, wanted) => {
    const details = body.querySelector("details");
    if (!details) return;
    details.open = wanted;
    body.classList.toggle("open", wanted);
    body.querySelector(".toggle button").setAttribute("aria-expanded", String(wanted));
  };

  function addToggle(body) {
    const details = body.querySelector("details");
    if (!details) return;
    const row = body.rows[0];
    details.id = body.id + "-more";
    const label = `Chain of ${row.cells[1].textContent} to ${row.cells[2].textContent}`;
    row.cells[0].append(
      element("button", { type: "button", "aria-expanded": "false", "aria-controls": details.id, "aria-label": label }),
    );
    row.addEventListener("click", () => {
      if (getSelection().isCollapsed) open(body, !body.classList.contains("open"));
    });
  }

  const rows = [...table.tBodies].map(shownRow);
  rows.forEach((row) => addToggle(row.body));
  const data = document.getElementById("bare-rows");
  if (data) {
    const told = JSON.parse(data.textContent);
    told.rows.forEach((line) => rows.push(bareRow(`g${rows.length + 1}`, told.words, line)));
    const left = document.getElementById("left");
    left.hidden = !told.left;
    left.textContent = `${count(told.left, "row")} more did not fit; the JSON and CSV have all calls.`;
  }
  const facts = document.getElementById("fields");
  const asked = facts ? JSON.parse(facts.textContent) : { fields: [], words: [], parts: [], rows: [] };
  const fields = meshFilter.fieldsOf(asked);
  const parts = asked.parts.map((part) => part.map((number) => asked.words[number]));
  asked.rows.forEach((calls, place) => {
    if (rows[place]) rows[place].facts = calls.map((call) => call.flatMap((part) => parts[part]));
  });
  const byAnchor = new Map(rows.map((row) => [row.anchor, row]));

  const space = () => element("tbody", { class: "space", "aria-hidden": "true" }, element("tr", {}, element("td", { colspan: "8" })));
  const above = space();
  const below = space();
  let kept = rows;
  let from = 0;
  let to = 0;

  const heightOf = (row) => row.height || ROW_PX;
  const heightBetween = (first, end) => kept.slice(first, end).reduce((sum, row) => sum + heightOf(row), 0);
  const setHeight = (room, height) => {
    room.hidden = height === 0;
    room.rows[0].cells[0].style.height = `${height}px`;
  };

  const layOut = (first, end) => {
    for (const row of kept.slice(from, to)) {
      const height = row.body?.isConnected ? row.body.getBoundingClientRect().height : 0;
      if (height) row.height = height;
    }
    [from, to] = [first, end];
    const bodies = kept.slice(from, to).map((row, place) => {
      row.body ??= row.make();
      row.body.rows[0].setAttribute("aria-rowindex", String(from + place + 2));
      return row.body;
    });
    setHeight(above, heightBetween(0, from));
    setHeight(below, heightBetween(to, kept.length));
    const focused = document.activeElement;
    const wanted = [above, ...bodies, below];
    const stays = new Set(wanted);
    for (const body of [...table.tBodies]) if (!stays.has(body)) body.remove();
    let next = table.tHead.nextElementSibling;
    for (const body of wanted) {
      if (body === next) next = next.nextElementSibling;
      else table.insertBefore(body, next);
    }
    if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  };

  // The chunks that lie within a margin of the window.
  const renew = () => {
    const top = -table.tHead.getBoundingClientRect().bottom;
    let height = 0;
    let first = null;
    let end = 0;
    for (let chunk = 0; chunk < kept.length; chunk += CHUNK) {
      const next = Math.min(chunk + CHUNK, kept.length);
      const bottom = height + heightBetween(chunk, next);
      if (bottom >= top - MARGIN_PX && height <= top + innerHeight + MARGIN_PX) {
        first ??= chunk;
        end = next;
      }
      height = bottom;
    }
    first ??= Math.max(0, end - CHUNK);
    end = Math.max(end, Math.min(first + CHUNK, kept.length));
    if (first !== from || end !== to) layOut(first, end);
  };

  // Which rows the box asks for: by words, or in the language of --where; any call of a row may fit.
  const chosenBy = (text) => {
    if (!asked.rows.length || !meshFilter.asks(text, fields)) {
      const words = text.toLowerCase().split(/\s+/).filter(Boolean);
      return (row) => words.every((word) => row.text.includes(word));
    }
    const fits = meshFilter.parse(text, fields);
    return (row) => Boolean(row.facts?.some(fits));
  };

  const apply = () => {
    let chosen;
    try {
      chosen = chosenBy(filter.value);
      filter.removeAttribute("aria-invalid");
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      filter.setAttribute("aria-invalid", "true");
      shown.textContent = error.message;
      return;
    }
    const wanted = new Set(chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.verdict));
    kept = rows.filter((row) => (!wanted.size || wanted.has(row.verdict)) && chosen(row));
    table.setAttribute("aria-rowcount", String(kept.length + 1));
    layOut(0, Math.min(CHUNK, kept.length));
    renew();
    const calls = kept.reduce((sum, row) => sum + row.calls, 0);
    shown.textContent = `${count(calls, "call")} in ${count(kept.length, "row")}`;
  };

  const sort = (heading) => {
    const column = heading.cellIndex;
    const falling = heading.getAttribute("aria-sort") === "ascending";
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
    rows.sort((one, other) => {
      const [a, b] = [one.keys[column], other.keys[column]];
      const order = a < b ? -1 : a > b ? 1 : 0;
      return falling ? -order : order;
    });
    apply();
  };

  const addSort = (heading) => {
    const button = element("button", { type: "button" }, heading.textContent);
    button.addEventListener("click", () => sort(heading));
    heading.replaceChildren(button);
  };

  const follow = () => {
    const row = byAnchor.get(location.hash.slice(1));
    if (!row) return;
    if (!kept.includes(row)) {
      filter.value = "";
      for (const chip of chips) chip.setAttribute("aria-pressed", "false");
      apply();
    }
    const chunk = Math.floor(kept.indexOf(row) / CHUNK) * CHUNK;
    if (!row.body?.isConnected) layOut(Math.max(0, chunk - CHUNK), Math.min(chunk + 2 * CHUNK, kept.length));
    open(row.body, true);
    row.body.scrollIntoView();
    row.body.querySelector(".toggle button").focus({ preventScroll: true });
  };

  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      renew();
    });
  };

  [...table.tHead.rows[0].cells].filter((one) => one.scope === "col").forEach(addSort);
  filter.addEventListener("input", apply);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  for (const link of document.querySelectorAll('.links a[href^="#g"]')) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.pushState(null, "", link.hash);
      follow();
    });
  }
  addEventListener("scroll", later, { passive: true });
  addEventListener("resize", later);
  addEventListener("beforeprint", () => layOut(0, kept.length));
  addEventListener("afterprint", renew);
  addEventListener("hashchange", follow);
  document.getElementById("tools").hidden = false;
  root.classList.add("js");
  apply();
  follow();
})();
