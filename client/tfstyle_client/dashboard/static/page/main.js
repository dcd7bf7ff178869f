/** Starts the page: shows the view of the address, and the login where it is needed. */
import { call } from "./api.js";
import { h } from "./dom.js";
import { guardDrops } from "./drop_guard.js";
import { icon } from "./icons.js";
import { keepDraft } from "./kept_draft.js";
import { keepProbing } from "./probe.js";
import { currentRoute } from "./route.js";
import { keepScroll } from "./scroll.js";
import { themeButton } from "./theme.js";
import { compareView } from "./views/compare.js";
import { gridView } from "./views/grid.js";
import { jobView } from "./views/job.js";
import { jobsView } from "./views/jobs.js";
import { loginView } from "./views/login.js";
import { newView } from "./views/new.js";
import { sequenceView } from "./views/sequence.js";

/** `jobs` with an id is the view of that job. */
const VIEWS = { jobs: jobsView, job: jobView, new: newView, compare: compareView, grid: gridView, sequences: sequenceView };

const main = document.getElementById("main");
const leave = h("button", { class: "button quiet icon", type: "button", "aria-label": "Log out", title: "Log out", onclick: logOut }, icon("leave"));
let shown = new AbortController();
let loggedIn = false;

function begin() {
  shown.abort();
  shown = new AbortController();
  main.replaceChildren();
  scrollTo(0, 0);
  return shown.signal;
}

function title(text) {
  document.title = text ? `${text} – tfstyle` : "tfstyle";
}

async function show() {
  const route = currentRoute();
  const name = route.name === "jobs" && route.id ? "job" : route.name in VIEWS ? route.name : "jobs";
  for (const tab of document.querySelectorAll(".tab")) {
    if (tab.dataset.view === name) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  leave.hidden = !loggedIn;
  const signal = begin();
  title("");
  try {
    await VIEWS[name]({ main, route, signal, title, again: showAgain });
    if (!signal.aborted) keepScroll(signal);
  } catch (error) {
    if (signal.aborted || error.status === 401) return;
    main.replaceChildren(
      h("div", { class: "empty" }, h("h1", null, error.status === 404 ? "This picture is not here" : "This page cannot be shown"),
        h("p", { class: "muted" }, error.status === 404 ? "It may have been deleted." : error.message),
        h("a", { class: "button", href: "#/" }, "Show all pictures")),
    );
    if (!error.status) throw error;
  }
}

/** With the focus at its heading, where readers begin. */
async function showAgain() {
  await show();
  (main.querySelector("h1") ?? main).focus({ preventScroll: true });
}

async function logIn() {
  if (main.querySelector(".login")) return;
  const signal = begin();
  leave.hidden = true;
  const session = await call("session", { signal }).catch(() => null);
  if (signal.aborted) return;
  loginView({
    main, signal, title, private: session?.private ?? false,
    done() {
      loggedIn = true;
      show();
    },
  });
}

async function logOut() {
  await call("session", { method: "DELETE" });
  loggedIn = false;
  // Who logs in next must not see it.
  keepDraft(null);
  logIn();
}

document.getElementById("bar-end").append(leave, themeButton());
document.getElementById("skip").addEventListener("click", (event) => {
  // The address after "#" belongs to the views.
  event.preventDefault();
  main.focus();
});
document.addEventListener("login-needed", logIn);
window.addEventListener("hashchange", showAgain);

// What a view was waiting for when it was left is of no interest to anybody.
window.addEventListener("unhandledrejection", (event) => event.reason?.name === "AbortError" && event.preventDefault());

// The browser would do it before a view has its height.
history.scrollRestoration = "manual";
keepProbing();
guardDrops();
const session = await call("session").catch(() => null);
loggedIn = session?.logged_in ?? false;
if (session?.login) logIn();
else show();
