/** One job: its picture, curves, options, and what can be done with it. */
import { callUntilReached } from "../api.js";
import { h, oncePerFrame } from "../dom.js";
import { sentence } from "../format.js";
import { lettersOf } from "../letters_of_job.js";
import { follow } from "../live/follow.js";
import { historyOf } from "../live/history.js";
import { optionsCatalog } from "../options_catalog.js";
import { commands } from "../parts/commands.js";
import { FormingPicture, ratioOf } from "../parts/forming_picture.js";
import { Incidents } from "../parts/incidents.js";
import { JobActions } from "../parts/job_actions.js";
import { engineFacts, inputPictures, optionFacts } from "../parts/job_facts.js";
import { JobStatus } from "../parts/job_status.js";
import { LossChart } from "../parts/loss_chart.js";
import { sizeText } from "../parts/progress_text.js";

/** What a job makes, in words. */
function subject({ request }, words) {
  const preset = request && sentence(request.preset);
  if (words) return [`“${words.text.replaceAll("\n", " ")}”`];
  return request?.kind === "texture" ? ["Texture", preset] : [preset];
}

export async function jobView({ main, route, signal, title }) {
  title("Picture");
  const job = await callUntilReached(`jobs/${encodeURIComponent(route.id)}`, { signal });
  const history = historyOf(job);
  const size = job.result ?? job.started;
  const ratio = size || !job.request ? 1.5 : await ratioOf(job.request.content);
  const catalog = job.request && (await optionsCatalog(signal));
  const words = await lettersOf(job, signal);
  if (signal.aborted) return;

  const status = new JobStatus(history);
  const actions = new JobActions(job, { signal, onChange: changed });
  const incidents = new Incidents(history);
  const heading = h("h1", { tabindex: "-1" });
  const computation = h("div");
  const elsewhere = h("div", { class: "elsewhere", hidden: !job.request });
  const picture = new FormingPicture(history, ratio, words);
  const chart = new LossChart(history, signal);
  main.replaceChildren(
    h("div", { class: "view-head" }, heading, actions.element),
    h("div", { class: "job" },
      h("div", { class: "job-picture" }, picture.element),
      h("div", { class: "job-side" }, status.element, job.request && inputPictures(job.request, words),
        job.request && optionFacts(job.request, catalog.options), elsewhere, computation),
      h("div", { class: "job-rest" }, chart.element, incidents.element)),
  );
  let shown = "";
  const show = oncePerFrame(update, signal);
  update();

  function changed(next) {
    if (next.sequence < history.job.sequence) return;
    history.job = next;
    show();
  }

  function update() {
    const now = history.job;
    picture.update();
    status.update();
    chart.update();
    incidents.update();
    // The rest changes with the state only; it is left alone while somebody reads it.
    const state = [now.state, now.attempts, Boolean(now.started)].join();
    if (state === shown) return;
    shown = state;
    heading.textContent = [...subject(now, words), sizeText(now)].filter(Boolean).join(", ") || "Picture";
    title(heading.textContent);
    actions.update(now);
    computation.replaceChildren(engineFacts(now, words));
  }

  if (job.request) {
    commands(job, signal).then((panel) => elsewhere.replaceChildren(panel)).catch(() => {
      // The page is useful without it, and a server that cannot be reached has its bar.
      elsewhere.hidden = true;
    });
  }

  follow({
    signal,
    query: () => `job=${encodeURIComponent(job.id)}:${history.after}`,
    onMessage(event, data) {
      if (event === "job" && data.id === job.id) changed(data);
      else if (event === "events" && data.job === job.id) history.add(data.events);
      else if (event === "skipped") history.oldest = data.oldest;
      else if (event === "missing" || event === "deleted") gone();
      show();
    },
  });

  function gone() {
    main.replaceChildren(h("div", { class: "empty" }, h("h1", { tabindex: "-1" }, "This picture was deleted"), h("a", { class: "button", href: "#/" }, "Show all pictures")));
  }
}
