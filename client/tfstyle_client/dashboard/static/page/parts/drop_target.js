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
  let depth = 0;
  const target = h("label", {
    class: "drop", ...props,
    // Moving over a child leaves the parent, as browsers count it.
    ondragenter: () => target.toggleAttribute("data-over", ++depth > 0),
    ondragleave: () => target.toggleAttribute("data-over", --depth > 0),
    ondragover: (event) => event.preventDefault(),
    ondrop(event) {
      event.preventDefault();
      depth = 0;
      target.removeAttribute("data-over");
      take(event.dataTransfer.files);
    },
  }, file, ...content);

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

/** Picture files that are pasted, or dropped anywhere but on a place of their own. */
export function takeAnywhere(onFiles, signal) {
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
    if (!files.length) return;
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
