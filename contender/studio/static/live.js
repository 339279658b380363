// Keeps a page as it is now: fetches the same address again, and changes only what is different.
// How often, the page says (main[data-every], seconds); without it, never. Nothing is asked while nobody looks.

const LONGEST_S = 60;
let failures = 0;

function said(text) {
  const place = document.querySelector("[data-live-state]");
  if (place && place.textContent !== text) place.textContent = text;
}

function kept(before, after) {
  if (before.nodeType !== Node.ELEMENT_NODE) return true;
  if (before.classList.contains("plot")) return false; // a drawn chart; charts.js draws it again if its numbers change
  if (before.hasAttribute("data-drawn")) return false; // drawn by graph.js, which looks at its nodes itself
  return true;
}

async function refresh() {
  const main = document.querySelector("main");
  const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "error" });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  if (!fresh) throw new Error("the answer is no page");
  fresh.querySelectorAll(".flash").forEach((each) => each.remove());
  main.querySelectorAll(".flash").forEach((each) => fresh.prepend(each.cloneNode(true)));
  Idiomorph.morph(main, fresh, {
    morphStyle: "outerHTML",
    ignoreActiveValue: true,
    callbacks: {
      beforeNodeMorphed: kept,
      // What a person has opened stays open, what they have chosen or typed stays so.
      beforeAttributeUpdated: (name, node) =>
        !(name === "open" && node.tagName === "DETAILS") &&
        !(name === "value" && node.tagName === "INPUT" && node.type !== "hidden"),
    },
  });
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

document.querySelector(".log")?.scrollTo(0, 1e9);
live();
