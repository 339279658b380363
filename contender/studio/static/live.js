// Keeps a page as it is now: fetches the same address again, and changes only what is different.
// How often, the page says (main[data-every], seconds); without it, never. Nothing is asked while nobody looks.

const LONGEST_S = 60;
let failures = 0;

function said(text) {
  const place = document.querySelector("[data-live-state]");
  if (place && place.textContent !== text) place.textContent = text;
}

function changes(before) {
  const selection = getSelection();
  if (!selection.isCollapsed && before.nodeType === Node.TEXT_NODE) return !selection.containsNode(before, true);
  if (before.nodeType !== Node.ELEMENT_NODE) return true;
  if (before.classList.contains("plot")) return false; // a drawn chart; charts.js draws it again if its numbers change
  if (before.hasAttribute("data-drawn")) return false; // the arrows of a graph; graph.js draws them again if they change
  return true;
}

// What a person has opened stays open, what they have chosen or typed stays so, and styles are our scripts' alone.
// Hidden fields are the server's: one that was started anew takes no form with the token of its predecessor.
function persons(name, node) {
  if (name === "style") return true;
  if (name === "open") return node.matches("details, dialog");
  return ["value", "checked", "selected"].includes(name) && node.matches("input:not([type=hidden]), textarea, option");
}

function toTheEnd() {
  document.querySelector(".log")?.scrollTo(0, 1e9);
}

async function refresh() {
  const main = document.querySelector("main");
  const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "manual" }).catch(() => {
    throw new Error("the server does not answer");
  });
  if (answer.type === "opaqueredirect") location.reload(); // it was started anew, and asks for the token
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  if (main.querySelector("[data-failed]")) location.reload(); // it can be shown again, with all around it
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  if (!fresh) throw new Error("the answer is no page");
  main.querySelectorAll("[data-told]").forEach((each) => fresh.prepend(each.cloneNode(true))); // what an action told
  const log = main.querySelector(".log");
  const follows = log && log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  Idiomorph.morph(main, fresh, {
    morphStyle: "outerHTML",
    callbacks: { beforeNodeMorphed: changes, beforeAttributeUpdated: (name, node) => !persons(name, node) },
  });
  if (follows) toTheEnd();
  if (page.title && page.title !== document.title) document.title = page.title;
  document.dispatchEvent(new CustomEvent("live"));
}

async function live() {
  const every = Number(document.querySelector("main")?.dataset.every);
  if (!every) {
    said("");
    return;
  }
  const wait = Math.min(every * 2 ** failures, LONGEST_S);
  await new Promise((done) => setTimeout(done, wait * 1000));
  if (document.hidden) {
    await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
  }
  try {
    await refresh();
    failures = 0;
    said("live");
  } catch (error) {
    failures += 1;
    said("not up to date: " + error.message);
  }
  live();
}

// How long ago a time was, once somebody points at it; the page's own times are UTC.
const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", Infinity]];

function ago(at) {
  let passed = (at - Date.now()) / 1000;
  for (const [unit, most] of STEPS) {
    if (Math.abs(passed) < most) return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(passed), unit);
    passed /= most;
  }
}

document.addEventListener("mouseover", ({ target }) => {
  const at = new Date(target.closest?.("time[datetime]")?.dateTime ?? NaN);
  if (!isNaN(at)) target.closest("time").title = `${ago(at)} (${at.toLocaleString()} here)`;
});

toTheEnd();
live();
