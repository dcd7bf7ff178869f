/** A sequence of pictures, such as a film: shown as one thing. */
import { call } from "../api.js";
import { h, oncePerFrame, setText } from "../dom.js";
import { follow } from "../live/follow.js";
import { hasEnded } from "../live/job_state.js";
import { SequenceJobs } from "../live/sequences.js";
import { confirmButton } from "../parts/confirm_button.js";
import { Player } from "../parts/player.js";
import { jobAddress } from "../route.js";

export async function sequenceView({ main, route, signal, title }) {
  const sequence = new SequenceJobs(route.id);
  title(route.id);
  await sequence.load(signal);
  if (signal.aborted) return;

  const player = new Player(sequence, signal);
  const state = h("span", { class: "state" });
  const count = h("span", { class: "muted numbers", role: "status", "data-testid": "sequence-count" });
  const bar = h("span");
  const progress = h("div", { class: "progress" }, bar);
  const job = h("a", { class: "button" }, "This frame's job");
  const remove = confirmButton({
    label: "Delete", question: "Delete all frames that are here?", yes: "Delete", no: "Keep them", testId: "delete-sequence",
    async act() {
      for (const { id } of [...sequence.frames.values()].filter(hasEnded)) await call(`jobs/${encodeURIComponent(id)}`, { method: "DELETE", signal });
      location.hash = "#/";
    },
  });
  main.replaceChildren(
    h("div", { class: "view-head" }, h("h1", { tabindex: "-1" }, route.id), h("div", { class: "actions" }, job, remove)),
    h("div", { class: "sequence" },
      h("div", { class: "sequence-state" }, state, count), progress, player.element,
      h("p", { class: "muted small" }, "A server keeps the jobs of the latest frames; the video itself is written by the command that paints it.")),
  );
  const show = oncePerFrame(update, signal);
  player.range.addEventListener("input", show);
  player.button.addEventListener("click", show);
  update();

  function update() {
    player.update();
    const painted = sequence.painted;
    state.dataset.state = sequence.isRunning ? "running" : painted.length >= sequence.total && sequence.total ? "succeeded" : "cancelled";
    setText(state, sequence.isRunning ? "Painting" : painted.length >= sequence.total && sequence.total ? "Painted" : "Not running");
    setText(count, `${painted.length} of ${sequence.total} frames here`);
    progress.hidden = !sequence.isRunning;
    bar.style.transform = `scaleX(${sequence.total ? painted.length / sequence.total : 0})`;
    const shown = sequence.frames.get(player.at);
    job.hidden = !shown;
    remove.hidden = sequence.isRunning || !sequence.frames.size;
    if (shown) job.href = jobAddress(shown.id);
  }

  let reloading = Promise.resolve();
  follow({
    signal,
    query: () => "jobs",
    async onMessage(event, data) {
      if (event === "relist") reloading = reloading.then(() => sequence.load(signal));
      await reloading;
      if (event === "job" ? sequence.take(data) : event === "deleted" ? sequence.forget(data.id) : event === "relist") show();
    },
  });
}
