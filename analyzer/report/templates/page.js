"use strict";
// Sorting, filtering, switching, and the calls behind a number. Everything it shows stands in the page already; texts
// are only ever moved as texts, never as markup.
(() => {
  const root = document.documentElement;
  const pages = [...document.querySelectorAll(".page")];
  const panel = document.getElementById("panel");
  const wordsOf = new Map(pages.map((page) => [page, JSON.parse(page.dataset.words)]));
  const current = () => pages.find((page) => !page.hidden);
  const say = (name, values = {}) => {
    let text = wordsOf.get(current())[name];
    for (const [key, value] of Object.entries(values)) text = text.replace(`{${key}}`, value);
    return text;
  };
  const make = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const keep = (key, value) => { try { localStorage.setItem(`sipcause.${key}`, value); } catch { /* not allowed: then not */ } };
  const kept = (key) => { try { return localStorage.getItem(`sipcause.${key}`); } catch { return null; } };

  // -- language, terms, colours

  const setters = {
    language(value) {
      const page = pages.find((each) => each.dataset.lang === value);
      if (!page) return;
      const before = current().dataset.prefix;
      for (const each of pages) each.hidden = each !== page;
      root.lang = value;
      // The calls stand in the page once, for whichever language is read.
      const calls = document.getElementById("calls");
      if (calls && !page.contains(calls)) page.querySelector("main").append(calls);
      for (const run of respeak) run();
      document.title = page.dataset.title;
      // The same place in the other language, where that has one of its own: calls have not.
      const hash = location.hash.slice(1);
      const other = hash.startsWith(before) ? page.dataset.prefix + hash.slice(before.length) : "";
      if (other && page.contains(document.getElementById(other))) {
        history.replaceState(history.state, "", `#${other}`);
      }
      follow();
    },
    terms(value) { root.dataset.terms = value; refilter(); },
    theme(value) { if (value === "auto") delete root.dataset.theme; else root.dataset.theme = value; },
  };
  const set = (name, value) => {
    setters[name](value);
    for (const page of pages) {
      const shown = name === "language" ? page.dataset.lang : value;
      for (const input of page.querySelectorAll(`input[data-set="${name}"]`)) input.checked = input.value === shown;
    }
  };
  for (const input of document.querySelectorAll("input[data-set]")) {
    input.addEventListener("change", () => {
      const { set: name } = input.dataset;
      set(name, input.value);
      keep(name, input.value);
      // The control that was used is in the other language now: the reader stays on it.
      if (name === "language") current().querySelector('input[data-set="language"]:checked').focus();
    });
  }

  // -- tables

  // What is in the language that is read.
  const spoken = (node) => {
    if (!node.querySelector("span[lang]")) return node;
    const copy = node.cloneNode(true);
    for (const other of copy.querySelectorAll(`span[lang]:not([lang="${root.lang}"])`)) other.remove();
    return copy;
  };
  const shownText = (whole) => {
    const cell = spoken(whole);
    const terms = cell.querySelector(".terms");
    if (!terms) return cell.textContent;
    const chosen = terms.querySelector(`[data-t~="${root.dataset.terms}"]`).textContent;
    const note = cell.querySelector("small");
    return note ? `${chosen} ${note.textContent}` : chosen;
  };
  const filters = [];
  const respeak = [];
  const refilter = () => { for (const run of filters) run(); };

  const prepare = (table) => {
    const box = table.closest(".table");
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const first = Number(table.dataset.shown);
    const text = () => wordsOf.get(table.closest(".page"));
    const fill = (name, values) => Object.entries(values).reduce((t, [k, v]) => t.replace(`{${k}}`, v), text()[name]);
    let order = rows;
    let isOpen = rows.length <= first;
    let wanted = "";
    const more = make("button", { type: "button", class: "rows" });
    const count = make("output", { "aria-live": "polite" });

    const lay = () => {
      order.forEach((row, place) => row.classList.toggle("more", place >= first));
      body.append(...order);
      table.classList.toggle("folded", !isOpen && !wanted);
      more.textContent = isOpen ? text().fewer : fill("all", { count: rows.length });
      more.hidden = rows.length <= first || Boolean(wanted);
    };
    const filter = () => {
      let fitting = 0;
      for (const row of rows) {
        const fits = !wanted || [...row.cells].some((cell) => shownText(cell).toLowerCase().includes(wanted));
        row.classList.toggle("out", !fits);
        fitting += fits;
      }
      count.textContent = fill("count", { shown: wanted || isOpen ? fitting : Math.min(first, fitting), all: rows.length });
    };
    const refresh = () => { lay(); filter(); };
    more.addEventListener("click", () => { isOpen = !isOpen; refresh(); });

    [...table.tHead.rows[0].cells].forEach((head, place) => {
      const isNumber = head.classList.contains("n");
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const directions = isNumber ? ["descending", "ascending", null] : ["ascending", "descending", null];
        const next = directions[(directions.indexOf(head.getAttribute("aria-sort")) + 1) % 3];
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        if (next) head.setAttribute("aria-sort", next);
        order = next ? sorted(rows, place, next === "ascending" ? 1 : -1, table.closest(".page").dataset.lang) : rows;
        refresh();
      });
    });
    const name = make("span", {}, text().filter);
    if (table.closest("#calls")) respeak.push(() => { name.textContent = text().filter; refresh(); });
    if (rows.length > 5) {
      const field = make("input", { type: "search", autocomplete: "off", spellcheck: "false" });
      field.addEventListener("input", () => { wanted = field.value.trim().toLowerCase(); refresh(); });
      box.prepend(make("div", { class: "tools" }, make("label", {}, name, field), count));
    }
    box.append(more);
    filters.push(filter);
    refresh();
  };
  // What has no value stands last, whichever way is asked for; equal rows keep their order.
  const sorted = (rows, place, sign, lang) => {
    const key = (row) => {
      const cell = row.cells[place];
      return "v" in cell.dataset ? Number(cell.dataset.v) : cell.textContent === "–" ? null : shownText(cell);
    };
    const collator = new Intl.Collator(lang, { numeric: true });
    const isMixed = rows.some((row) => typeof key(row) === "number");
    return rows
      .map((row) => [key(row), row])
      .map(([value, row]) => [isMixed && typeof value !== "number" ? null : value, row])
      .sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * (typeof a === "number" ? a - b : collator.compare(a, b));
      })
      .map(([, row]) => row);
  };

  // -- from a number to its calls

  // Their names are taken from them, so that the page does not move beneath the panel.
  const behind = new Map([...document.querySelectorAll(".behind article")].map((article) => [article.id, article]));
  for (const article of behind.values()) article.removeAttribute("id");

  const command = (text) => {
    const button = make("button", { type: "button" }, say("copy"));
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(text); } catch {
        const range = document.createRange();
        range.selectNodeContents(button.previousSibling);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        document.execCommand("copy");
      }
      button.textContent = say("copied");
    });
    return make("div", { class: "command" }, make("code", {}, text), button);
  };
  const card = (row) => {
    const heads = [...row.closest("table").tHead.rows[0].cells].map((head) => spoken(head).textContent);
    const list = make("dl");
    [...row.cells].forEach((cell, place) => {
      if (cell.textContent === "–") return;
      list.append(make("dt", {}, heads[place]), make("dd", {}, ...[...cell.childNodes].map((node) => node.cloneNode(true))));
    });
    const explain = current().querySelector(".explain").textContent.replace(/ KEY$/, "");
    return make("article", { class: "card" }, list, command(`${explain} ${row.cells[row.cells.length - 1].textContent}`));
  };
  const open = (article) => {
    const body = document.getElementById("panel-body");
    const rows = [...article.querySelectorAll("li a")].map((a) => document.getElementById(a.hash.slice(1))).filter(Boolean);
    const all = article.querySelector("code");
    document.getElementById("panel-title").textContent = spoken(article.querySelector("h3")).textContent;
    document.getElementById("panel-close").textContent = say("close");
    const total = make("p", { class: "lead" }, spoken(article.querySelector("p")).textContent);
    if (rows.length && rows.length < Number(article.dataset.count)) total.append(` – ${say("first", { count: rows.length })}`);
    body.replaceChildren(total);
    if (all) body.append(make("p", { class: "note" }, say("list")), command(all.textContent));
    body.append(...rows.map(card));
    panel.lang = current().dataset.lang;
    if (!panel.open) panel.showModal();
    panel.scrollTop = 0;
  };
  const follow = () => {
    const hash = decodeURIComponent(location.hash.slice(1));
    const target = behind.get(hash);
    if (!target) { if (panel.open) panel.close(); return; }
    open(target);
  };
  let isOurs = false;
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href*="calls-"]');
    if (link) isOurs = true;
  });
  // Closed by its button, by Escape or by a click beside it: the address goes back to where the reader came from.
  panel.addEventListener("close", () => {
    if (!/calls-[0-9a-f]+$/.test(location.hash)) return;
    if (isOurs) history.back();
    else history.replaceState(null, "", location.pathname + location.search);
    isOurs = false;
  });
  panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); });
  document.getElementById("panel-close").addEventListener("click", () => panel.close());
  window.addEventListener("hashchange", follow);

  // On paper everything is open.
  window.addEventListener("beforeprint", () => { for (const each of document.querySelectorAll(".finding details")) each.open = true; });

  for (const page of pages) for (const table of page.querySelectorAll("table[data-shown]")) prepare(table);
  for (const name of ["language", "terms", "theme"]) {
    const value = kept(name);
    if (value && document.querySelector(`input[data-set="${name}"][value="${CSS.escape(value)}"]`)) set(name, value);
  }
  follow();
})();
