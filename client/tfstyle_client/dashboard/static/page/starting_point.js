/** What the form of a new picture begins with. */
import { callUntilReached } from "./api.js";
import { entry } from "./entry.js";
import { furtherOf } from "./further_pictures.js";
import { keptDraft } from "./kept_draft.js";
import { lettersOf } from "./letters_of_job.js";
import { pictureOfDigest } from "./picture_of_digest.js";
import { KINDS, NO_LETTERS } from "./picture_kinds.js";

/**
 * The draft that was kept last; with `from`, a job's request, unless it was begun from at this entry of the history before.
 * @param {string | null} from the id of a job
 * @returns {Promise<{kind?: string, preset: string, values: [string, string][], content: object | null, further: object, styles: object[], texture?: object, letters?: object, grid?: object, from: string | null} | null>}
 */
export async function startingPoint(from, signal) {
  const kept = keptDraft();
  if (!from || (entry.get("begun") && kept?.from === from)) return kept;
  const job = await callUntilReached(`jobs/${encodeURIComponent(from)}`, { signal });
  const { request } = job;
  // A server of a former release does not tell.
  if (!request) return null;
  const picture = (digest) => pictureOfDigest(digest, signal);
  const further = async (kinds, of) => Object.fromEntries(await Promise.all(furtherOf(kinds, of).map(async ([{ name }, digest]) => [name, await picture(digest)])));
  const words = await lettersOf(job, signal);
  const kind = words ? KINDS.letters : (KINDS[request.kind] ?? KINDS.photo);
  const style = async (of) => ({ picture: await picture(of.image), weight: String(of.weight), further: await further(kind.ofPainting, of) });
  const [content, besides, ...styles] = await Promise.all([picture(request.content), further(kind.ofPhoto, request), ...request.styles.map(style)]);
  const values = Object.entries(request.changed).map(([name, value]) => [name, String(value)]);
  if (request.strength !== null) values.push(["strength", String(request.strength)]);
  const same = { kind: kind.name, preset: request.preset, values, further: besides, styles, from };
  if (kind === KINDS.texture) return { ...same, content: null, texture: { width: String(content.width), height: String(content.height) } };
  return words ? { ...same, content: null, letters: asTyped(words) } : { ...same, content };
}

/** The words of a job as the form has them. @returns {import("./picture_kinds.js").Letters} */
function asTyped({ text, font, background, ...measures }) {
  const typed = Object.entries(measures).map(([name, value]) => [name, value === null ? "" : String(Number(value.toFixed(4)))]);
  return { ...NO_LETTERS, text, font: font ? { digest: font, name: "The font of that picture" } : null, background: background === "transparent" ? "" : background, ...Object.fromEntries(typed) };
}
