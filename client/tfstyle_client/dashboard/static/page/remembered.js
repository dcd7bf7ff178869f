/** Values that outlive the page, where the browser allows it. */

export function remembered(name) {
  try {
    return localStorage.getItem(`tfstyle-${name}`);
  } catch {
    return null;
  }
}

/** @param {string | null} value null forgets it */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`tfstyle-${name}`);
    else localStorage.setItem(`tfstyle-${name}`, value);
  } catch {
    // The value lasts as long as the page, then.
  }
}
