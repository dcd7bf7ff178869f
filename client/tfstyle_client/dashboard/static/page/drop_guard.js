/** A file dropped beside a place that takes it must not make the browser leave the page to open it. */

export const hasFiles = (event) => Boolean(event.dataTransfer?.types.includes("Files"));

export function guardDrops() {
  // The window hears of it last, after whatever takes the file.
  window.addEventListener("dragover", (event) => {
    if (!hasFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
  window.addEventListener("drop", (event) => hasFiles(event) && event.preventDefault());
}
