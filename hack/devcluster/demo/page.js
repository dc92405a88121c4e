"use strict";

// Once a second the page asks for what the channels hold, and lights up what has just changed.
const flashMillis = 3000; // as long as the animation in page.css
const filter = document.getElementById("filter");
const live = document.getElementById("live");

function ago(text) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(text)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return new Date(text).toLocaleString();
}

function cell(className, text) {
  const td = document.createElement("td");
  td.className = className;
  td.textContent = text;
  return td;
}

function row(r) {
  const tr = document.createElement("tr");
  const age = Date.now() - Date.parse(r.changed);
  if (age < flashMillis) {
    tr.className = "changed";
    tr.style.animationDelay = `${-age}ms`; // rows are made anew each second: go on where it was
  }
  const when = cell("when", ago(r.changed));
  when.title = new Date(r.changed).toLocaleString();
  tr.append(cell("location", r.location || "all"), cell("sku", r.sku), cell("number", r.quantity.toLocaleString()), when);
  return tr;
}

function show(channel) {
  const section = [...document.querySelectorAll("section")].find((s) => s.dataset.channel === channel.name);
  if (!section) return;
  const set = (name, text) => { section.querySelector(`[data-field=${name}]`).textContent = text; };
  set("calls", channel.calls.toLocaleString());
  set("skus", channel.skus.toLocaleString());
  set("lastCall", channel.lastCall ? ago(channel.lastCall) : "never");
  let note = "";
  if (channel.skus === 0) note = "Nothing yet: send a batch to the ingress.";
  else if (channel.matches === 0) note = "Nothing matches.";
  else if (channel.matches > channel.rows.length) note = `The latest ${channel.rows.length} of ${channel.matches.toLocaleString()}.`;
  set("note", note);
  section.querySelector("tbody").replaceChildren(...channel.rows.map(row));
}

async function refresh() {
  const query = filter.value;
  try {
    const answer = await fetch("state.json?q=" + encodeURIComponent(query));
    if (!answer.ok) throw new Error(answer.status);
    const channels = await answer.json();
    if (query !== filter.value) return; // overtaken by a newer filter
    channels.forEach(show);
    live.textContent = "live";
    live.className = "";
  } catch {
    live.textContent = "no connection";
    live.className = "lost";
  }
}

async function loop() {
  if (!document.hidden) await refresh();
  setTimeout(loop, 1000);
}
filter.addEventListener("input", refresh);
loop();
