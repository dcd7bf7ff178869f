/** Calls of the HTTP API. Addresses are relative to the page, which may have a path prefix. */
import { reach } from "./reach.js";

export const apiUrl = (path) => new URL(`api/v1/${path}`, document.baseURI).href;

/** The width in which a picture is asked for: the smallest that the server makes and that has `pixels` or more. */
const SIDES = [160, 320, 640, 1024, 2048];

/** A picture by its digest, not larger than needed for `pixels` of the screen. */
export function pictureUrl(digest, pixels) {
  const side = SIDES.find((one) => one >= pixels);
  return apiUrl(`images/${digest}${side ? `?side=${side}` : ""}`);
}

/** An answer that is not a success, or none at all (`status` 0). */
export class ApiError extends Error {
  /** @param {{status: number, code?: string, detail?: string, errors?: {field: string, message: string}[]}} problem */
  constructor(problem) {
    super(problem.detail || `The server answered ${problem.status}.`);
    this.status = problem.status;
    this.errors = problem.errors ?? [];
    /** It may succeed later, with nothing changed. */
    this.passing = [0, 429, 502, 503, 504].includes(problem.status);
  }
}

/** @param {{method?: string, body?: any, signal?: AbortSignal, accept?: string}} options `body` is a file, or sent as JSON */
export async function call(path, options) {
  const response = await responseTo(path, options);
  return answer(response.status, await response.text());
}

/** The same for an answer that is a file. */
export async function callForFile(path, options) {
  const response = await responseTo(path, { accept: "*/*", ...options });
  if (!response.ok) answer(response.status, await response.text());
  return { file: await response.blob(), headers: response.headers };
}

async function responseTo(path, { method = "GET", body, signal, accept = "application/json" } = {}) {
  const headers = { Accept: accept };
  const isFile = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = isFile ? "application/octet-stream" : "application/json";
  let response;
  try {
    response = await fetch(apiUrl(path), { method, headers, signal, body: isFile ? body : body && JSON.stringify(body) });
  } catch (error) {
    if (signal?.aborted) throw error;
    reach.network(false);
    throw new ApiError({ status: 0, detail: "The server cannot be reached." });
  }
  reach.network(true);
  return response;
}

/** The JSON of an answer; throws `ApiError` where it is none of success. */
export function answer(status, text) {
  let data = null;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    // A proxy may answer with a page of its own; the status says enough.
  }
  if (status >= 200 && status < 300) return data;
  if (status === 401) document.dispatchEvent(new Event("login-needed"));
  throw new ApiError({ ...data, status });
}

const RETRY_MILLISECONDS = 3000;

/** Call again until the server can be reached. Other errors are thrown. */
export async function callUntilReached(path, options) {
  for (;;) {
    try {
      const data = await call(path, options);
      reach.server(true);
      return data;
    } catch (error) {
      if (!error.passing || options?.signal?.aborted) throw error;
      if (error.status !== 0) reach.server(false);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
      options?.signal?.throwIfAborted();
    }
  }
}
