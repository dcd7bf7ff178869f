/** Building the page's elements. Data becomes text or a property, never markup. */

/**
 * An element. `props` are attributes, except: `class`; `on...` handlers; `value`, `checked` and the like, which are set as
 * properties. null, undefined and false leave a prop out.
 * @param {string} tag
 * @param {Record<string, any> | null} props
 * @param {...(Node | string | number | null | undefined | false | any[])} children
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(shown).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "textContent", "indeterminate"]);

const shown = (child) => child !== null && child !== undefined && child !== false;

/** Set a text only where it differs, so that selections and screen readers are left alone. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @returns a function that calls `update` once, before the next frame, however often it is called. */
export function oncePerFrame(update, signal) {
  let asked = false;
  return () => {
    if (asked || signal?.aborted) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      if (!signal?.aborted) update();
    });
  };
}

/** For a form that only its button sends: Enter in a field just ends the typing. */
export function withoutEnter(event) {
  if (event.key === "Enter" && event.target.matches("input:not([type=file])")) event.preventDefault();
}

/** Tell users of screen readers, politely. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
