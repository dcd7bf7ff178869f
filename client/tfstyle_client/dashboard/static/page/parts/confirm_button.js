/** A button that asks once, in its own place, before it acts. */
import { h, setText } from "../dom.js";

/**
 * @param {{label: string, question: string, yes: string, no: string, testId: string, act: () => Promise<void>}} what
 */
export function confirmButton({ label, question, yes, no, testId, act }) {
  const error = h("span", { class: "error", role: "alert" });
  const ask = h("button", { class: "button danger", type: "button", "data-testid": testId, onclick: () => show(true) }, label);
  const confirm = h("button", { class: "button danger", type: "button", "data-testid": "confirm", onclick: run }, yes);
  const keep = h("button", { class: "button", type: "button", onclick: () => show(false) }, no);
  const asked = h("span", { class: "row", role: "group", "aria-label": question }, h("span", null, question), confirm, keep);
  const element = h("span", { class: "confirm-place", onkeydown: (event) => event.key === "Escape" && asked.isConnected && show(false) }, ask, error);

  function show(asking) {
    (asking ? ask : asked).replaceWith(asking ? asked : ask);
    // Enter must not confirm what was not read.
    (asking ? keep : ask).focus();
  }
  async function run() {
    confirm.disabled = true;
    setText(error, "");
    try {
      await act();
      show(false);
    } catch (failure) {
      if (failure.name !== "AbortError") setText(error, failure.message);
    } finally {
      confirm.disabled = false;
    }
  }
  return element;
}
