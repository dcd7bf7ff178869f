/** A place that takes picture files: chosen, or dropped. */
import { h } from "../dom.js";
import { hasFiles } from "../drop_guard.js";

const ACCEPT = "image/png,image/jpeg,image/webp,image/tiff,image/bmp,image/gif,image/avif,image/heic,.tif,.tiff,.avif,.heic,.heif";

/**
 * @param {object} what
 * @param {(files: File[]) => void} what.onFiles
 * @param {Record<string, any>} what.input props of the file input
 * @param {...any} content what it shows
 */
export function dropTarget({ onFiles, input, ...props }, ...content) {
  const file = h("input", { type: "file", accept: ACCEPT, class: "visually-hidden", ...input, onchange: choose });
  const target = h("label", { class: "drop", ...props, ...dropHandlers(() => target, take) }, file, ...content);

  function choose() {
    take(file.files);
    // The same file can be chosen again.
    file.value = "";
  }
  function take(files) {
    const taken = [...files];
    if (taken.length) onFiles(file.multiple ? taken : taken.slice(0, 1));
  }
  return { target, file };
}

/**
 * Handlers for an element on which files are dropped. It has `data-over` while they are held over it.
 * @param {() => HTMLElement} element @param {(files: File[]) => void} onFiles
 */
export function dropHandlers(element, onFiles) {
  let depth = 0;
  const over = (change) => element().toggleAttribute("data-over", (depth += change) > 0);
  return {
    // Moving over a child leaves the parent, as browsers count it.
    ondragenter: () => over(1),
    ondragleave: () => over(-1),
    ondragover: (event) => event.preventDefault(),
    ondrop(event) {
      over(-depth);
      // An element inside may have taken them.
      if (event.defaultPrevented) return;
      event.preventDefault();
      if (event.dataTransfer.files.length) onFiles([...event.dataTransfer.files]);
    },
  };
}

export const pastedFiles = (event) => [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));

/** Picture files that are pasted, or dropped anywhere but on a place of their own. */
export function takeAnywhere(onFiles, signal) {
  document.addEventListener("paste", (event) => {
    const files = pastedFiles(event);
    if (!files.length || event.defaultPrevented) return;
    event.preventDefault();
    onFiles(files);
  }, { signal });
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault(), { signal });
  document.addEventListener("drop", (event) => {
    // What a place has taken, it has prevented.
    if (!hasFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    onFiles([...event.dataTransfer.files]);
  }, { signal });
}
