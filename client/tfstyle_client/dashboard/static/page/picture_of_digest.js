/** A picture that is already on the server, as an upload would tell about it. */
import { pictureUrl } from "./api.js";

/** The server makes nothing larger than this for a browser; the aspect ratio is right in any case. */
const LARGEST_SIDE = 2048;

/** @returns {Promise<import("./draft.js").Picture>} */
export async function pictureOfDigest(digest) {
  const picture = new Image();
  picture.src = pictureUrl(digest, LARGEST_SIDE);
  await picture.decode().catch(() => {});
  return { image: digest, width: picture.naturalWidth, height: picture.naturalHeight, name: "" };
}
