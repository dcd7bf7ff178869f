/** The pictures that a request may have besides photo and paintings, as the API names them. */

/**
 * @typedef {object} Further
 * @property {string} name @property {string} label @property {string} help
 * @property {string} short what it is called beside other pictures of a job
 * @property {"photo" | "painting"} shape which picture it lies over
 * @property {string} [brush] what to do with a brush, if it is a mask
 */

/** @type {Further[]} */
export const OF_PHOTO = [
  { name: "keep", label: "Keep as it is", short: "kept", help: "Stays the photo where white", shape: "photo", brush: "Paint over what stays the photo." },
  { name: "start_picture", label: "Start from", short: "start", help: "Begin here and not with the photo, such as with an earlier result", shape: "photo" },
  { name: "regions", label: "Regions by colour", short: "regions", help: "Flat colours, for paintings whose regions have the same ones", shape: "photo" },
];

/** @type {Further[]} */
export const OF_PAINTING = [
  { name: "region", label: "Where it goes", short: "goes here", help: "On the photo, where white", shape: "photo", brush: "Paint where on the photo this painting goes." },
  { name: "mask", label: "What counts of it", short: "mask", help: "Lends its style where white", shape: "painting", brush: "Paint over the parts of the painting that lend their style." },
  { name: "regions", label: "Regions by colour", short: "regions", help: "Flat colours, as in the regions of the photo", shape: "painting" },
];

/** Of a request, or of a style in it: those that are there, each with its digest. @returns {[Further, string][]} */
export const furtherOf = (kinds, of) => kinds.filter(({ name }) => of[name]).map((kind) => [kind, of[kind.name]]);
