/** A place that takes picture files: chosen, or dropped. */
import { h } from "../dom.js";

const ACCEPT = "image/png,image/jpeg,image/webp,image/tiff,image/bmp,image/gif,image/avif,.tif,.tiff,.avif";

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

/** Files pasted anywhere on the page; files dropped beside a target must not replace the page. */
export function takePasted(onFiles, signal) {
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
    if (!files.length) return;
    event.preventDefault();
    onFiles(files);
  }, { signal });
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault(), { signal });
}
