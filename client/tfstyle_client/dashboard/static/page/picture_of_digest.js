/** A picture that is already on the server, as an upload would tell about it. */
import { callUntilReached } from "./api.js";

/** @param {string} digest @param {AbortSignal} signal @returns {Promise<import("./draft.js").Picture>} */
export async function pictureOfDigest(digest, signal) {
  const { width, height } = await callUntilReached(`images/${digest}/facts`, { signal });
  return { image: digest, width, height, name: "" };
}
