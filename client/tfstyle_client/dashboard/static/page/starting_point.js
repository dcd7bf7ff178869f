/** What the form of a new picture begins with. */
import { callUntilReached } from "./api.js";
import { entry } from "./entry.js";
import { furtherOf, OF_PAINTING, OF_PHOTO } from "./further_pictures.js";
import { keptDraft } from "./kept_draft.js";
import { pictureOfDigest } from "./picture_of_digest.js";

/**
 * The draft that was kept last; with `from`, a job's request, unless it was begun from at this entry of the history before.
 * @param {string | null} from the id of a job
 * @returns {Promise<{preset: string, values: [string, string][], content: object, further: object, styles: object[], grid?: object, from: string | null} | null>}
 */
export async function startingPoint(from, signal) {
  const kept = keptDraft();
  if (!from || (entry.get("begun") && kept?.from === from)) return kept;
  const { request } = await callUntilReached(`jobs/${encodeURIComponent(from)}`, { signal });
  // A server of a former release does not tell.
  if (!request) return null;
  const picture = (digest) => pictureOfDigest(digest, signal);
  const further = async (kinds, of) => Object.fromEntries(await Promise.all(furtherOf(kinds, of).map(async ([{ name }, digest]) => [name, await picture(digest)])));
  const style = async (of) => ({ picture: await picture(of.image), weight: String(of.weight), further: await further(OF_PAINTING, of) });
  const [content, besides, ...styles] = await Promise.all([picture(request.content), further(OF_PHOTO, request), ...request.styles.map(style)]);
  const values = Object.entries(request.changed).map(([name, value]) => [name, String(value)]);
  if (request.strength !== null) values.push(["strength", String(request.strength)]);
  return { preset: request.preset, values, content, further: besides, styles, from };
}
