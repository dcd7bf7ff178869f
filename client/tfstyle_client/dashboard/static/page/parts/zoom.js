/**
 * Zoom and pan that several pictures have in common: by pinch, keyboard, and the wheel with Ctrl. The plain wheel and a swipe
 * scroll the page until something is zoomed.
 */

const MOST = 16;
const STEP = 1.4;
const PAN_PIXELS = 60;

export class Zoom {
  /**
   * @param {HTMLElement} area takes the keyboard, the wheel and the pointers
   * @param {HTMLElement[]} pictures all have the size of the first one's parent
   * @param {{plainWheel?: boolean, onChange?: (scale: number) => void}} more `plainWheel`: there is nothing else to scroll
   */
  constructor(area, pictures, { plainWheel = false, onChange = () => {} } = {}) {
    Object.assign(this, { area, pictures, plainWheel, onChange });
    /** @type {Map<number, {x: number, y: number}>} by the pointer's id */
    this.pointers = new Map();
    this.reset();
    area.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    area.addEventListener("keydown", (event) => this.#key(event));
    area.addEventListener("pointerdown", (event) => this.#down(event));
    area.addEventListener("pointermove", (event) => this.#drag(event));
    for (const end of ["pointerup", "pointercancel"]) area.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
  }

  reset() {
    this.#set(1, 0, 0);
  }

  /** Around a point in the pane; around its middle without one. */
  by(factor, x = this.#size().width / 2, y = this.#size().height / 2) {
    const scale = Math.min(MOST, Math.max(1, this.scale * factor));
    const ratio = scale / this.scale;
    this.#set(scale, x - (x - this.x) * ratio, y - (y - this.y) * ratio);
  }

  in() {
    this.by(STEP);
  }

  out() {
    this.by(1 / STEP);
  }

  #size() {
    return this.pictures[0].parentElement.getBoundingClientRect();
  }

  #set(scale, x, y) {
    const { width, height } = this.#size();
    this.scale = scale;
    // The picture always covers its pane.
    this.x = Math.min(0, Math.max(width * (1 - scale), x));
    this.y = Math.min(0, Math.max(height * (1 - scale), y));
    for (const picture of this.pictures) picture.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.area.toggleAttribute("data-zoomed", scale > 1);
    this.onChange(scale);
  }

  /** Where an event is in its own pane. */
  #place(event) {
    const pane = event.target.closest(".pane") ?? this.pictures[0].parentElement;
    const { left, top } = pane.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  #wheel(event) {
    if (this.scale === 1 && !event.ctrlKey && !this.plainWheel) return;
    event.preventDefault();
    const { x, y } = this.#place(event);
    this.by(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), x, y);
  }

  #key(event) {
    if (event.target !== this.area || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const move = moves[event.key];
    if (move) this.#set(this.scale, this.x + move[0] * PAN_PIXELS, this.y + move[1] * PAN_PIXELS);
    else if (event.key === "+" || event.key === "=") this.in();
    else if (event.key === "-") this.out();
    else if (event.key === "0") this.reset();
    else return;
    event.preventDefault();
  }

  #down(event) {
    if (event.target.closest("input, button")) return;
    this.area.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.pane = this.#place(event);
  }

  /** One pointer pans; two of them pinch around their middle. */
  #drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    this.pointers.set(event.pointerId, now);
    this.pane.x += now.x - before.x;
    this.pane.y += now.y - before.y;
    if (this.pointers.size === 1) return this.#set(this.scale, this.x + now.x - before.x, this.y + now.y - before.y);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
    const distance = (point) => Math.hypot(point.x - other.x, point.y - other.y);
    this.by(distance(now) / Math.max(1, distance(before)), this.pane.x, this.pane.y);
  }
}
