"use strict";
(async () => {
  const $ = (id) => document.getElementById(id);
  const all = (what, from = document) => [...from.querySelectorAll(what)];
  const build = (node, attributes, children) => {
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    node.append(...children);
    return node;
  };
  const make = (tag, attributes = {}, ...children) => build(document.createElement(tag), attributes, children);
  const on = (what, does) => all(what).forEach((each) => each.addEventListener("click", () => does(each)));
  document.documentElement.classList.add("on");

  // The state of the view is the address: sorted tables, the filter, what is compared.
  const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  const keep = (name, value) => {
    state[value ? "set" : "delete"](name, value);
    history.replaceState(null, "", state.toString() ? "#" + state : location.pathname + location.search);
  };

  const value = (row, column) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
  const compare = (a, b, sign) => {
    if ((a === "") !== (b === "")) return a === "" ? 1 : -1; // what is missing comes last
    return sign * (Number.isNaN(a - b) ? a.localeCompare(b) : a - b);
  };
  // `way` is asc or desc.
  const sort = (table, name, way) => {
    const heads = [...table.tHead.rows[0].cells];
    const column = heads.findIndex((head) => head.dataset.name === name);
    if (column < 0) return;
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[column].setAttribute("aria-sort", way + "ending");
    const rows = [...table.tBodies[0].rows].map((row) => [value(row, column), row]);
    rows.sort((a, b) => compare(a[0], b[0], way === "asc" ? 1 : -1));
    table.tBodies[0].append(...rows.map((each) => each[1]));
  };
  for (const table of all("table[data-table]")) {
    const key = "sort-" + table.dataset.table;
    for (const head of table.tHead.rows[0].cells) {
      const { name, first = "desc" } = head.dataset;
      if (!name) continue;
      const title = head.firstElementChild?.title || "";
      const button = make("button", { type: "button", class: "sort", title }, head.textContent.trim());
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const other = first === "asc" ? "desc" : "asc";
        const way = head.getAttribute("aria-sort") === first + "ending" ? other : first;
        sort(table, name, way);
        keep(key, `${name}.${way}`);
      });
    }
    const [name, way] = (state.get(key) || "").split(".");
    if (name) sort(table, name, way === "asc" ? "asc" : "desc");
  }

  const filter = $("filter");
  const rows = all("table.board tbody tr").map((row) => [row, row.querySelector("th").textContent.toLowerCase()]);
  const apply = () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const [row, name] of rows) row.hidden = wanted ? !name.includes(wanted) : row.classList.contains("more");
  };
  if (filter) {
    filter.value = state.get("models");
    filter.addEventListener("input", () => { apply(); keep("models", filter.value.trim()); });
    apply();
  }
  on("[data-more]", (button) => {
    for (const row of all("tr.more", button.closest("section, .bd"))) row.hidden = row.classList.toggle("more");
    button.remove();
  });

  const save = (name, type, text) => {
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const quoted = (text) => {
    const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? "'" + text : text;
    return /[",\n\r]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
  };
  on("[data-csv]", (button) => {
    const table = document.querySelector(`table[data-table="${button.dataset.csv}"]`);
    const heads = [...table.tHead.rows[0].cells];
    const columns = heads.flatMap((head, i) => (head.dataset.name ? [i] : []));
    const rows = [...table.tBodies[0].rows].map((row) => columns.map((i) => value(row, i)));
    const lines = [columns.map((i) => heads[i].dataset.name), ...rows];
    save(button.dataset.csv + ".csv", "text/csv", lines.map((line) => line.map(quoted).join(",")).join("\n") + "\n");
  });
  const styles = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font", "paint-order"];
  on("[data-svg]", (button) => {
    const figure = button.closest("figure").querySelector("svg");
    const copy = figure.cloneNode(true);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const from = [figure, ...all("*", figure)];
    [copy, ...all("*", copy)].forEach((node, i) => {
      const style = getComputedStyle(from[i]);
      for (const name of styles) node.setAttribute(name, style.getPropertyValue(name));
      node.removeAttribute("class");
    });
    save("figure.svg", "image/svg+xml", copy.outerHTML);
  });
  on("[data-copy]", async (button) => {
    let said = "copied";
    try { await navigator.clipboard.writeText(button.dataset.copy); } catch { said = button.dataset.copy; }
    button.firstChild.data = said;
    setTimeout(() => { button.firstChild.data = "copy"; }, 1500);
  });

  const mark = (link, is) => (is ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current"));
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) all("nav a").forEach((link) => mark(link, link.hash === "#" + target.id));
  }, { rootMargin: "-10% 0px -80% 0px" });
  all("main section[id]").forEach((section) => seen.observe(section));

  // Confusions and pairs: inflated by the browser.
  if (!$("c-board")) return;
  const bytes = Uint8Array.from(atob($("numbers").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const boards = (await new Response(stream).json()).filter((board) => board.rows.length);
  if (!boards.length) return;
  const sums = (steps, at = 0) => steps.map((step) => (at += step));
  for (const board of boards) {
    const places = sums(board.images);
    board.pictures = new Map(board.pictures.map((place, i) => [places[i], place]));
    board.truths = new Map(places.map((image, i) => [image, board.truth[i]]));
    const mixed = new Set(board.rows.map((row) => row.trained_on)).size > 1;
    for (const row of board.rows) {
      row.label = mixed ? `${row.model} ← ${row.trained_on}` : row.model;
      if (row.wrong) {
        const images = sums(row.wrong);
        row.said = new Map(images.map((image, i) => [image, row.read[i]]));
      }
    }
    board.wide = board.rows.some((row) => row.confusion.some((each) => each[1] >= board.classes.length));
  }
  const n0 = 100000; // more than there are classes
  const note = (text) => make("p", { class: "note" }, text);
  const leftOut = () => note("The single mistakes are left out.");
  const labels = (board) => board.rows.map((row) => row.label);
  const named = (board, i) => board.classes[i] ?? "–";
  const read = (board, [t, p]) => `${named(board, t)} read as ${named(board, p)}`;
  const drawn = (tag, attributes, ...children) => build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  const picture = (place) => drawn("svg",
    { class: "t", viewBox: `${(place % 64) * 30} ${Math.floor(place / 64) * 30} 28 28`, "aria-hidden": "true" },
    drawn("use", { href: "#sprite" }));
  const listed = (board, images, words) => {
    const items = images.slice(0, 60).map((image) => make("li", {},
      ...(board.pictures.get(image) >= 0 ? [picture(board.pictures.get(image))] : []),
      `${named(board, board.truths.get(image))} · image ${image}`));
    const more = images.length - items.length;
    return [note(`${words}: ${images.length || "none"}`), make("ul", { class: "gal" }, ...items), ...(more ? [note(`and ${more} more`)] : [])];
  };
  const step = (n, most) => "h" + Math.min(6, 1 + Math.floor((5 * Math.log2(1 + n)) / Math.log2(1 + most)));
  // A matrix as a table; of many classes the largest cells in words.
  const table = (board, cells, cell) => {
    const n = board.classes.length;
    if (n > 20) {
      const worst = cells.filter(([t, p, n]) => t !== p && n).sort((a, b) => Math.abs(b[2]) - Math.abs(a[2])).slice(0, 30);
      return make("ul", {}, ...worst.map((each) => make("li", {}, `${read(board, each)}: ${each[2]}`)));
    }
    const counts = new Map(cells.map(([t, p, n]) => [t * n0 + p, n]));
    const places = [...Array(n + board.wide).keys()];
    const head = (scope, i) => make("th", { scope }, i < 0 ? "truth" : named(board, i));
    const rows = places.slice(0, n).map((t) => make("tr", {}, head("row", t), ...places.map((p) => cell(t, p, counts.get(t * n0 + p) || 0))));
    return make("table", { class: "conf" }, make("thead", {}, make("tr", {}, ...[-1, ...places].map((i) => head("col", i)))), make("tbody", {}, ...rows));
  };

  const drawMatrix = (board, row) => {
    const totals = new Map();
    for (const [t, , n] of row.confusion) totals.set(t, (totals.get(t) || 0) + n);
    const most = Math.max(1, ...row.confusion.filter(([t, p]) => t !== p).map((each) => each[2]));
    const written = (t, n) => ($("c-share").checked ? (n / totals.get(t)).toFixed(3).replace(/^0/, "") : n.toLocaleString("en"));
    const show = (t, p, button) => {
      all("#c-matrix button").forEach((each) => each.setAttribute("aria-pressed", each === button));
      if (!row.said) return $("c-images").replaceChildren(leftOut());
      const images = [...row.said.keys()].filter((image) => board.truths.get(image) === t && (row.said.get(image) + n0) % n0 === (p < board.classes.length ? p : n0 - 1));
      return $("c-images").replaceChildren(...listed(board, images, read(board, [t, p]) + ", first seed"));
    };
    $("c-images").replaceChildren();
    $("c-matrix").replaceChildren(table(board, row.confusion, (t, p, n) => {
      if (t === p || !n) return make("td", { class: t === p ? "dg" : "" }, n ? written(t, n) : "·");
      const button = make("button", { type: "button", "aria-pressed": "false", "aria-label": `${read(board, [t, p])}: ${n}` }, written(t, n));
      button.addEventListener("click", () => show(t, p, button));
      return make("td", { class: step(n, most) }, button);
    }));
  };
  const pValue = (board, a, b) => {
    const n = Math.round((1 + Math.sqrt(1 + 8 * board.p_values.length)) / 2);
    const [low, high] = [a.place, b.place].sort((x, y) => x - y);
    return low < 0 || low === high ? undefined : board.p_values[(low * (2 * n - low - 1)) / 2 + high - low - 1];
  };
  const drawPair = (board, a, b) => {
    const [first, second] = a.accuracy >= b.accuracy ? [a, b] : [b, a];
    const p = pValue(board, a, b);
    const real = p <= 0.05 ? "that difference is real" : "that may be luck";
    const verdict = p === undefined ? "not both have a rank here." : `${real} (p ${p < 0.001 ? "< .001" : "= " + p.toFixed(3)}, over all pairs of the board).`;
    $("p-verdict").textContent = a === b ? "Choose two models."
      : `${first.label} reads ${(100 * (first.accuracy - second.accuracy)).toFixed(2)} points more than ${second.label}; ${verdict}`;
    const gaps = new Map();
    const add = (row, sign) => row.confusion.forEach(([t, q, n]) => { const key = t * n0 + q; gaps.set(key, (gaps.get(key) || 0) + sign * n); });
    add(a, 1);
    add(b, -1);
    const cells = [...gaps].map(([key, n]) => [Math.floor(key / n0), key % n0, n]);
    const most = Math.max(1, ...cells.map((each) => Math.abs(each[2])));
    $("p-matrix").replaceChildren(
      table(board, cells, (t, q, n) => make("td", { class: n ? step(Math.abs(n), most) + (n < 0 ? " less" : "") : "" }, n ? (n > 0 ? "+" : "−") + Math.abs(n) : "·")));
    const only = (x, y, name) => listed(board, [...x.said.keys()].filter((image) => !y.said.has(image)), `Only ${name} misreads, first seed`);
    $("p-images").replaceChildren(...(a.said && b.said ? [...only(a, b, "A"), ...only(b, a, "B")] : [leftOut()]));
  };
  const fill = (select, names, chosen) => {
    select.replaceChildren(...names.map((name, i) => make("option", { value: i }, name)));
    select.value = Math.max(0, names.indexOf(chosen));
  };
  // A board, and rows of it, are chosen; what is drawn of them stands in the address.
  const choose = (name, where, selects, draw) => {
    const [key, ...rows] = (state.get(name) || "").split("/");
    const board = () => boards[$(where).value];
    const refill = (wanted) => selects.forEach((id, i) => fill($(id), labels(board()), wanted[i] ?? labels(board())[i]));
    const redraw = () => draw(board(), ...selects.map((id) => board().rows[$(id).value]));
    const changed = () => { redraw(); keep(name, [board().key, ...selects.map((id) => labels(board())[$(id).value])].join("/")); };
    fill($(where), boards.map((each) => each.name), boards.find((each) => each.key === key)?.name);
    refill(rows);
    redraw();
    $(where).addEventListener("change", () => { refill([]); changed(); });
    selects.forEach((id) => $(id).addEventListener("change", changed));
    return redraw;
  };
  const again = choose("confusions", "c-board", ["c-row"], drawMatrix);
  choose("compare", "p-board", ["p-a", "p-b"], drawPair);
  $("c-share").addEventListener("change", again);
})();
