/** The hand that holds the brush: pointers, or the arrow keys and the space bar. */
import { h, oncePerFrame } from "../dom.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Brush {
  /**
   * @param {HTMLElement} frame takes pointers and keys; the canvas fills it
   * @param {import("./brush_strokes.js").BrushStrokes} strokes
   * @param {() => {size: number, softness: number, erases: boolean}} tool `size` in pixels of the canvas
   * @param {() => void} onStroke
   */
  constructor(frame, strokes, tool, onStroke) {
    Object.assign(this, { frame, strokes, tool, onStroke });
    this.ring = h("span", { class: "brush-ring", "aria-hidden": "true", hidden: true });
    frame.append(this.ring);
    this.point = { x: strokes.canvas.width / 2, y: strokes.canvas.height / 2 };
    /** The pointer that is down, by its id. */
    this.pointer = null;
    // The end of a stroke has drawn it, and it may be undone already.
    this.draw = oncePerFrame(() => this.pointer !== null && strokes.show());
    frame.addEventListener("pointerdown", (event) => this.#down(event));
    frame.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, (event) => this.#up(event));
    frame.addEventListener("pointerleave", () => (this.ring.hidden = this.pointer === null));
    frame.addEventListener("keydown", (event) => this.#key(event));
    frame.addEventListener("focus", () => frame.matches(":focus-visible") && this.showRing());
    frame.addEventListener("blur", () => (this.ring.hidden = true));
  }

  /** Where the brush is, and how large. */
  showRing() {
    const scale = this.frame.clientWidth / this.strokes.canvas.width;
    const size = this.tool().size * scale;
    this.ring.style.width = this.ring.style.height = `${size}px`;
    this.ring.style.transform = `translate(${this.point.x * scale - size / 2}px, ${this.point.y * scale - size / 2}px)`;
    this.ring.hidden = false;
  }

  #pointOf(event) {
    const { left, top, width } = this.frame.getBoundingClientRect();
    const scale = this.strokes.canvas.width / width;
    return { x: (event.clientX - left) * scale, y: (event.clientY - top) * scale };
  }

  #begin() {
    this.strokes.begin(this.tool(), this.point);
    this.onStroke();
  }

  #down(event) {
    if (!event.isPrimary || event.button !== 0) return;
    event.preventDefault();
    this.frame.focus({ preventScroll: true });
    this.frame.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.point = this.#pointOf(event);
    this.showRing();
    this.#begin();
  }

  #move(event) {
    if (!event.isPrimary) return;
    // A fast hand moves further than one event tells.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) {
      this.point = this.#pointOf(each);
      if (this.pointer === event.pointerId) this.strokes.extend(this.point);
    }
    if (this.pointer === event.pointerId) this.draw();
    this.showRing();
  }

  #up(event) {
    if (this.pointer !== event.pointerId) return;
    this.pointer = null;
    this.strokes.show();
    this.ring.hidden = event.pointerType !== "mouse";
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.pointer !== null) return;
    const arrow = ARROWS[event.key];
    if (!arrow && event.key !== " ") return;
    event.preventDefault();
    if (!arrow) this.#begin();
    else {
      const before = this.point;
      this.point = this.#beside(arrow);
      if (event.shiftKey) {
        this.strokes.begin(this.tool(), before);
        this.strokes.extend(this.point);
        this.strokes.show();
        this.onStroke();
      }
    }
    this.showRing();
  }

  #beside([right, down]) {
    const { width, height } = this.strokes.canvas;
    const step = this.tool().size / 4;
    const within = (value, most) => Math.min(most, Math.max(0, value));
    return { x: within(this.point.x + right * step, width), y: within(this.point.y + down * step, height) };
  }
}
