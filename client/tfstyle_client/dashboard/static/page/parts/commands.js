/** The command line and the Python call that make the same picture. */
import { call } from "../api.js";
import { h } from "../dom.js";
import { copyButton } from "./copy_button.js";

export async function commands(job, signal) {
  const { cli, python } = await call(`jobs/${encodeURIComponent(job.id)}/commands`, { signal });
  return h("section", { class: "panel" }, h("h2", null, "The same picture elsewhere"),
    h("div", { class: "row" },
      copyButton("Copy command line", () => cli, { "data-testid": "copy-cli" }),
      copyButton("Copy Python", () => python, { "data-testid": "copy-python" })),
    h("details", { class: "fold" }, h("summary", null, "Show both"),
      h("h3", null, "Command line"), code(cli, "Command line"), h("h3", null, "Python"), code(python, "Python")));
}

/** It may be wider than its place, so that it takes the focus to be scrolled by keyboard. */
const code = (text, label) => h("pre", { class: "code", tabindex: "0", role: "region", "aria-label": label }, text);
