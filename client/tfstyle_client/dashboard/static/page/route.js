/** Addresses of the views, in the part after "#". */

/** @returns {{name: string, id: string | null, query: URLSearchParams}} */
export function currentRoute() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "", id = null] = path.split("/");
  return { name: name || "jobs", id: id && decoded(id), query: new URLSearchParams(query) };
}

/** As it stands where it is no valid escape, so that it names nothing that exists. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const jobAddress = (id) => `#/jobs/${encodeURIComponent(id)}`;
export const sequenceAddress = (name) => `#/sequences/${encodeURIComponent(name)}`;
export const againAddress = (id) => `#/new?from=${encodeURIComponent(id)}`;
export const compareAddress = (a, b) => `#/compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`;

/** @typedef {{option: string, values: (string | number)[]}} Axis one side of a grid */

/** @param {string[][]} ids row by row @param {Axis} rows @param {Axis} columns */
export function gridAddress(ids, rows, columns) {
  const axis = ({ option, values }) => `${option}:${values.map(encodeURIComponent).join(",")}`;
  return `#/grid?ids=${ids.map((row) => row.join(".")).join("~")}&row=${axis(rows)}&column=${axis(columns)}`;
}

/** The reverse of `gridAddress`. */
export function gridOfQuery(query) {
  const axis = (text) => {
    const [option, values = ""] = (text ?? "").split(":");
    return { option, values: values ? values.split(",") : [] };
  };
  const ids = (query.get("ids") ?? "").split("~").map((row) => row.split(".").filter(Boolean)).filter((row) => row.length);
  return { ids, rows: axis(query.get("row")), columns: axis(query.get("column")) };
}
