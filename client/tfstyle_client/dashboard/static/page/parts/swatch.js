/** A short piece of a curve, for the legend: its colour and its dashes. */

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} className gives the colour @param {number[] | undefined} dash */
export function swatch(className, dash) {
  const svg = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "line");
  const set = (element, attributes) => Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  set(svg, { class: `swatch ${className}`, viewBox: "0 0 24 4", "aria-hidden": "true" });
  set(line, { x1: 0, y1: 2, x2: 24, y2: 2, stroke: "currentColor", "stroke-width": 2.5, ...(dash && { "stroke-dasharray": dash.join(" ") }) });
  svg.append(line);
  return svg;
}
