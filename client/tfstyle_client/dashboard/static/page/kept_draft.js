/**
 * The request in the making, kept for as long as the tab: a form that is left and opened again is as it was, after a start too,
 * since the next picture is often a variation.
 */

const KEY = "tfstyle-draft";

/** @returns {object | null} what was kept last */
export function keptDraft() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

/** @param {object | null} kept null forgets it */
export function keepDraft(kept) {
  try {
    if (kept) sessionStorage.setItem(KEY, JSON.stringify(kept));
    else sessionStorage.removeItem(KEY);
  } catch {
    // The draft lasts as long as its view, then.
  }
}
