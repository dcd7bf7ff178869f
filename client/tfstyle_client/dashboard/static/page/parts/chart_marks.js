/** Vertical marks where the scale or the network changes. */

/** @param {any} plot @param {import("../live/history.js").History} history @param {string} ink @param {string} line */
export function drawMarks(plot, history, ink, line) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const stages = history.job.started?.stages ?? [];
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  ctx.lineWidth = ratio;
  let free = -Infinity;
  history.marks.forEach(({ evaluation, stage }, index) => {
    const x = Math.round(plot.valToPos(evaluation, "x", true));
    if (index) {
      ctx.strokeStyle = line;
      ctx.setLineDash([3 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x + 0.5, bbox.top - 4 * ratio);
      ctx.lineTo(x + 0.5, bbox.top + bbox.height);
      ctx.stroke();
    }
    const text = label(stages[stage - 1], stages[history.marks[index - 1]?.stage - 1]);
    const width = ctx.measureText(text).width;
    // Where marks are close, the label of the first one stays.
    if (x < free || x + width > bbox.left + bbox.width + 8 * ratio) return;
    ctx.fillStyle = ink;
    ctx.fillText(text, x, bbox.top - 6 * ratio);
    free = x + width + 8 * ratio;
  });
  ctx.restore();
}

/** "208 px", with the network where it is another one. */
function label(stage, before) {
  if (!stage) return "";
  const side = `${Math.max(stage.width, stage.height)} px`;
  return before && before.network !== stage.network ? `${side} ${stage.network}` : side;
}
