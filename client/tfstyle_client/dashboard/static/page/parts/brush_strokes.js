/** Strokes of a brush on a canvas. How opaque the canvas is, is the mask; its colour is only for the eye. */

/** @typedef {{x: number, y: number}} Point in pixels of the canvas */
/** @typedef {{size: number, softness: number, erases: boolean, points: Point[]}} Stroke `softness` is 0 to 1 */

/** Lines are drawn this far beside the canvas, and only their shadows fall on it: a soft edge in every browser. */
const FAR = 20_000;
const CLEAR = "clear";
const INVERT = "invert";

export class BrushStrokes {
  /** @param {HTMLCanvasElement} canvas with its size; strokes have the colour that its style sets */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    /** @type {(Stroke | CLEAR | INVERT)[]} */
    this.strokes = [];
    /** What was there before the first stroke, and before the present one. */
    this.base = copyOf(canvas);
    this.before = copyOf(canvas);
  }

  /** Begin with a grey picture. @param {HTMLImageElement} mask */
  setBase(mask) {
    const { width, height } = this.canvas;
    const context = this.base.getContext("2d");
    context.drawImage(mask, 0, 0, width, height);
    const pixels = context.getImageData(0, 0, width, height);
    const { data } = pixels;
    for (let at = 0; at < data.length; at += 4) data[at + 3] = Math.round((data[at] + data[at + 1] + data[at + 2]) / 3);
    context.putImageData(pixels, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = this.#colour();
    context.fillRect(0, 0, width, height);
    this.#redraw();
  }

  /** @param {Omit<Stroke, "points">} brush @param {Point} point */
  begin(brush, point) {
    this.before = copyOf(this.canvas);
    this.strokes.push({ ...brush, points: [point] });
    this.show();
  }

  /** The present stroke goes on; `show` draws it. @param {Point} point */
  extend(point) {
    this.strokes.at(-1).points.push(point);
  }

  /** Draws the present stroke as a whole: drawn in pieces, it would be denser where these overlap. */
  show() {
    this.#put(this.before);
    this.#draw(this.strokes.at(-1));
  }

  clear() {
    this.strokes.push(CLEAR);
    this.#redraw();
  }

  /** What is painted is not, and the other way round. */
  invert() {
    this.strokes.push(INVERT);
    this.#redraw();
  }

  undo() {
    this.strokes.pop();
    this.#redraw();
  }

  /** The mask as a grey PNG, white where the canvas is opaque; null if nothing is. @returns {Promise<File | null>} */
  async file(name) {
    const grey = copyOf(this.canvas);
    const context = grey.getContext("2d");
    const pixels = context.getImageData(0, 0, grey.width, grey.height);
    const { data } = pixels;
    let any = 0;
    for (let at = 0; at < data.length; at += 4) {
      any |= data[at + 3];
      data.fill(data[at + 3], at, at + 3);
      data[at + 3] = 255;
    }
    if (!any) return null;
    context.putImageData(pixels, 0, 0);
    const blob = await new Promise((resolve) => grey.toBlob(resolve, "image/png"));
    return new File([blob], name, { type: "image/png" });
  }

  #redraw() {
    const cleared = this.strokes.lastIndexOf(CLEAR);
    this.#put(cleared < 0 ? this.base : null);
    for (const stroke of this.strokes.slice(cleared + 1)) this.#draw(stroke);
  }

  #put(canvas) {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (canvas) this.context.drawImage(canvas, 0, 0);
  }

  /** @param {Stroke | INVERT} stroke */
  #draw(stroke) {
    const context = this.context;
    context.save();
    if (stroke === INVERT) this.#fillOutside();
    else this.#drawLine(stroke);
    context.restore();
  }

  /** The colour where the canvas is transparent, in place of what was there. */
  #fillOutside() {
    this.context.globalCompositeOperation = "source-out";
    this.context.fillStyle = this.#colour();
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** @param {Stroke} stroke */
  #drawLine({ points, size, softness, erases }) {
    const context = this.context;
    context.globalCompositeOperation = erases ? "destination-out" : "source-over";
    context.lineCap = context.lineJoin = "round";
    // The edge is soft on both sides of the line's own.
    context.lineWidth = size * (1 - softness / 2);
    context.strokeStyle = context.shadowColor = this.#colour();
    context.shadowBlur = (size * softness) / 5;
    context.shadowOffsetX = FAR;
    context.beginPath();
    context.moveTo(points[0].x - FAR, points[0].y);
    // A dot is a line too, if a short one.
    for (const { x, y } of points) context.lineTo(x - FAR + 0.01, y);
    context.stroke();
  }

  #colour() {
    return getComputedStyle(this.canvas).color;
  }
}

function copyOf(canvas) {
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  copy.getContext("2d", { willReadFrequently: true }).drawImage(canvas, 0, 0);
  return copy;
}
