/** A button that copies a text, and says so in its own place. */
import { announce, h, setText } from "../dom.js";
import { icon } from "../icons.js";

const SAID_MILLISECONDS = 1500;

/** @param {string} label @param {() => string} text @param {Record<string, any>} props */
export function copyButton(label, text, props = {}) {
  const words = h("span", null, label);
  const button = h("button", { class: "button", type: "button", ...props, onclick: copy }, icon("copy"), words);
  async function copy() {
    const copied = await copyText(text());
    setText(words, copied ? "Copied" : "Not copied");
    announce(copied ? "Copied" : "The browser does not allow copying");
    setTimeout(() => setText(words, label), SAID_MILLISECONDS);
  }
  return button;
}

/** @returns whether it was copied */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Only https and localhost have that; the older way works from a field.
    const field = h("textarea", { value: text, class: "visually-hidden" });
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}
