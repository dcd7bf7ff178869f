/** Numbers and times as text. */

/** Seconds as "14 s", "2 min 5 s" or "1 h 3 min". */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (seconds < 10 && seconds > 0) return `${seconds < 0.95 ? seconds.toFixed(1) : whole} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/** How long ago a time was. @param {string} time ISO 8601 */
export function age(time, now = Date.now()) {
  const seconds = (now - Date.parse(time)) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86400);
  if (days < 8) return days === 1 ? "1 day ago" : `${days} days ago`;
  return DAY.format(Date.parse(time));
}

export const moment = (time) => MOMENT.format(Date.parse(time));
export const clock = (time) => CLOCK.format(Date.parse(time));

/** Bytes in decimal units: "48 kB", "1.5 GB". */
export function bytes(count) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count >= size) return `${(count / size).toFixed(count >= 10 * size ? 0 : 1)} ${unit}`;
  }
  return `${count} bytes`;
}

/** A loss or a rate, with three digits that count. */
export function brief(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(2) : Number(value.toPrecision(3)).toString();
}

export const pixels = (width, height) => `${width} × ${height}`;

/** The name of an option, or of a preset, as words. */
export const words = (name) => NAMES[name] ?? name.replaceAll("_", " ");

/** Names that say more than those of the API. */
const NAMES = { style_scale: "stroke size" };

export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
