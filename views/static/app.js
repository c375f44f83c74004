/* What works without this script works better with it: copying, showing a secret,
   local times, live numbers. Everything is found by the data attributes that
   layout.tpl lists; nothing here writes HTML that the server did not send. */
"use strict";
(() => {
const find = (selector, root = document) => [...root.querySelectorAll(selector)];
const byId = id => document.getElementById(id);
const seconds = number => number * 1000;

/* Words that appear for a moment, and words for a screen reader alone. */
const toasts = make("div", "", {role: "status", hidden: ""});
const spoken = make("div", "hidden", {role: "status"});
document.body.append(toasts, spoken);
let toastTimer;

function make(tag, css, attributes = {}) {
  const element = document.createElement(tag);
  if (css) element.className = css;
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  return element;
}

function toast(words) {
  clearTimeout(toastTimer);
  const shown = make("div", "toast");
  toasts.hidden = false;
  toasts.replaceChildren(shown);
  shown.textContent = words;
  toastTimer = setTimeout(() => { toasts.replaceChildren(); toasts.hidden = true; }, seconds(4));
}

/* Copy. The clipboard API exists only on https and loopback. */
async function copy(source) {
  const text = source.value ?? source.textContent;
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast(copyBySelection(text) ? "Copied" : "Select the text and copy it with Ctrl+C");
  }
}

function copyBySelection(text) {
  const area = make("textarea", "hidden");
  const focused = document.activeElement;
  area.value = text;
  (focused?.closest("dialog") ?? document.body).append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return copied;
}

function show(button) {
  const input = byId(button.dataset.show);
  const hidden = input.type === "password";
  input.type = hidden ? "text" : "password";
  button.textContent = hidden ? "Hide" : "Show";
  button.setAttribute("aria-pressed", hidden);
}

function insert(button) {
  const area = byId(button.dataset.into);
  area.focus();
  area.setRangeText(button.dataset.insert, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", {bubbles: true}));
}

/* Firefox and Safari learned command buttons later than dialogs. */
const knowsCommands = "command" in HTMLButtonElement.prototype;
function command(button) {
  const dialog = byId(button.getAttribute("commandfor"));
  if (button.getAttribute("command") === "close") dialog.close();
  else if (!dialog.open) dialog.showModal();
}

document.addEventListener("click", event => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.copy) copy(byId(button.dataset.copy));
  else if (button.dataset.show) show(button);
  else if (button.dataset.insert) insert(button);
  else if (!knowsCommands && button.hasAttribute("commandfor")) command(button);
});

/* A form is sent once. Its fields stay enabled, or they would not be sent. */
document.addEventListener("submit", event => {
  const form = event.target, button = event.submitter;
  if (event.defaultPrevented || form.method === "dialog") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  if (!button) return;
  button.setAttribute("aria-busy", "true");
  if (button.dataset.busy) {
    button.dataset.idle = button.textContent;
    button.textContent = button.dataset.busy;
  }
  setTimeout(() => release(form), seconds(25));
});

function release(form) {
  delete form.dataset.sent;
  for (const button of find("[aria-busy]", form)) {
    button.removeAttribute("aria-busy");
    if (button.dataset.idle) button.textContent = button.dataset.idle;
  }
}
// Back from the next page the browser may show this one as it was left.
addEventListener("pageshow", event => { if (event.persisted) find("form[data-sent]").forEach(release); });

/* Times: the server writes UTC. */
const dayAndTime = {day: "numeric", month: "short", hour: "2-digit", minute: "2-digit"};
const formats = {
  hm: {hour: "2-digit", minute: "2-digit"},
  day: {weekday: "short", day: "numeric"},
  full: {...dayAndTime, year: "numeric", second: "2-digit", timeZoneName: "short"},
};
const write = (date, format) => new Intl.DateTimeFormat("en-GB", format).format(date);

function age(date) {
  const passed = Math.max(0, Math.floor((Date.now() - date) / 1000));
  if (passed < 10) return "just now";
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]])
    if (passed >= size) return `${Math.floor(passed / size)} ${unit} ago`;
  return `${passed} s ago`;
}

function ordinary(date) {
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return write(date, formats.hm);
  const sameYear = date.getFullYear() === now.getFullYear();
  return write(date, sameYear ? dayAndTime : {...dayAndTime, year: "numeric"});
}

function writeTimes(root) {
  for (const element of find("time[datetime]", root)) {
    const date = new Date(element.dateTime), form = element.dataset.f;
    const words = "ago" in element.dataset ? age(date)
      : form ? write(date, formats[form]) : ordinary(date);
    if (element.textContent !== words) element.textContent = words;
    if (form !== "full") element.title = write(date, formats.full);
  }
  for (const title of find("title[data-t]", root)) {
    const moment = write(new Date(seconds(title.dataset.t)), dayAndTime);
    title.textContent = title.textContent.replace(/^.* UTC/, moment);
    title.removeAttribute("data-t");
  }
}
writeTimes(document);
setInterval(() => { if (!document.hidden) writeTimes(document); }, seconds(30));

/* Live parts. The answer is a piece of the page: each element of it that has an id
   takes the place of the one here. */
let lastInput = Date.now();
for (const kind of ["pointerdown", "pointermove", "keydown", "scroll"])
  addEventListener(kind, () => { lastInput = Date.now(); }, {passive: true, capture: true});

function isInUse(element) {
  const selection = getSelection();
  return element.contains(document.activeElement) ||
    (!selection.isCollapsed && selection.containsNode(element, true));
}

function swap(fresh) {
  const old = byId(fresh.id);
  if (!old || old.outerHTML === fresh.outerHTML) return true;
  // A step that shows something only once stays until it is another step's turn.
  if (old.dataset.stage && old.dataset.stage === fresh.dataset.stage) return true;
  if (isInUse(old)) return false;
  for (const open of find("details[open][id]", old))
    fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  writeTimes(fresh);
  old.replaceWith(fresh);
  return true;
}

function live(root) {
  const note = make("div", "note warn", {role: "status", hidden: ""}), sentence = make("p");
  let etag = root.dataset.etag, failures = 0, running = false, stopped = false, timer, said = "";
  note.append(sentence);
  root.prepend(note);

  function say(...words) {
    note.hidden = !words.length;
    sentence.replaceChildren(...words);
  }

  function accept(html) {
    const parsed = make("template");
    parsed.innerHTML = html;
    const pieces = find("[data-live][id]", parsed.content);
    const interval = pieces.find(piece => piece.dataset.poll);
    if (interval) root.dataset.poll = interval.dataset.poll;
    const words = find("[data-say]", parsed.content).map(piece => piece.dataset.say).join(" ");
    if (words && words !== said) spoken.textContent = words;
    said = words;
    return pieces.map(swap).every(Boolean);
  }

  function logout() {
    const link = make("a", "", {href: root.dataset.login});
    link.textContent = "Log in";
    stopped = true;
    say("You are logged out. ", link);
  }

  async function ask() {
    if (running || stopped || document.hidden) return;
    running = true;
    clearTimeout(timer);
    try {
      const answer = await fetch(root.dataset.src, {
        headers: {Accept: "text/html", ...(etag && {"If-None-Match": etag})},
        redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(seconds(20)),
      });
      // A redirect leads to the login page.
      if (answer.status === 401 || answer.type === "opaqueredirect") return logout();
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(answer.status);
        // What is in use now is asked for again, so the tag waits too.
        if (accept(await answer.text())) etag = answer.headers.get("ETag");
      }
      failures = 0;
      say();
    } catch {
      failures += 1;
      say("Connection lost. Trying again.");
    } finally {
      running = false;
      wait();
    }
  }

  function wait() {
    clearTimeout(timer);
    if (stopped || document.hidden) return;
    const idle = Date.now() - lastInput > seconds(600);
    const pause = failures ? [10, 20, 60][Math.min(failures, 3) - 1]
      : idle ? 30 : Number(root.dataset.poll);
    timer = setTimeout(ask, seconds(pause));
  }

  document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(timer) : ask());
  addEventListener("pageshow", event => { if (event.persisted) ask(); });
  wait();
}
find("[data-poll][data-src]").forEach(live);

/* The preview of a form that is not saved yet. */
for (const form of find("form[data-preview]")) {
  let timer, running;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      running?.abort();
      running = new AbortController();
      try {
        const answer = await fetch(form.dataset.previewSrc, {
          method: "POST", body: new URLSearchParams(new FormData(form)),
          headers: {Accept: "text/html"}, signal: running.signal,
        });
        if (answer.ok) byId(form.dataset.preview).innerHTML = await answer.text();
      } catch { /* The preview stays as it was; saving will say what is wrong. */ }
    }, 400);
  });
}

/* The page after a restart: back as soon as the new start answers. Where it starts at
   another address this page may not ask it, and the link is all there is. */
for (const card of find("[data-return]")) {
  if (new URL(card.dataset.return, location).origin !== location.origin) continue;
  // While it drains it is not ready; a start may be quicker than the first question.
  let wasDown = false, tries = 0;
  const ask = async () => {
    tries += 1;
    const answer = await fetch(card.dataset.ready, {cache: "no-store"}).catch(() => null);
    if (answer?.ok && (wasDown || tries > 2)) location.replace(card.dataset.return);
    else wasDown ||= !answer?.ok;
  };
  setInterval(ask, seconds(1));
}

/* Model names, read from the provider when someone is about to choose one. */
for (const list of find("datalist[data-models]")) {
  const note = byId(list.dataset.modelsFor);
  const inputs = find(`input[list="${CSS.escape(list.id)}"]`);
  const read = async () => {
    inputs.forEach(input => input.removeEventListener("focus", read));
    if (note) note.hidden = false;
    try {
      const answer = await fetch(list.dataset.models, {headers: {Accept: "application/json"}});
      const {models} = await answer.json();
      list.replaceChildren(...models.map(model => make("option", "", {value: model})));
      if (note) note.textContent = `${models.length} models to choose from.`;
    } catch {
      if (note) note.textContent = "The provider's models could not be read. Type the name.";
    }
  };
  inputs.forEach(input => input.addEventListener("focus", read));
}
})();
