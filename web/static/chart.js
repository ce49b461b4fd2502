// Draws <figure class="chart" data-chart="/charts/..."> with uPlot: drag to zoom, double click for all of it.
// Words come from the page: data-words='{"wait": "...", "none": "...", "failed": "...", "all": "..."}'.

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const lang = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const zone = document.body.dataset.zone || "UTC";
const number = new Intl.NumberFormat(lang, { maximumSignificantDigits: 4 });
const written = (look) => new Intl.DateTimeFormat(lang, { timeZone: zone, ...look });
const moment = written({ dateStyle: "medium", timeStyle: "short" }), day = written({ dateStyle: "medium" }), month = written({ year: "numeric", month: "long" });
const zh = lang.startsWith("zh");

// See web/chart.py for the form.
export function read(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let place = 4 + length;
  const at = new Float64Array(buffer, place, head.n);
  place += 8 * head.n;
  const columns = head.lines.map(() => {
    const column = new Float32Array(buffer, place, head.n);
    place += Math.ceil((4 * head.n) / 8) * 8;
    // uPlot takes null for a gap: NaN would spoil the range, and be bridged.
    return column.some(Number.isNaN) ? Array.from(column, (v) => (Number.isNaN(v) ? null : v)) : column;
  });
  return { head, data: [at, ...columns] };
}

const COLOURS = ["--chart-1", "--chart-2", "--chart-3", "--chart-4"];
const SHADES = { event: "--chart-band", outage: "--chart-off", pause: "--chart-off" };

function underlay(head) {
  return (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const span of head.spans) {
      const from = u.valToPos(span.since, "x", true), to = u.valToPos(span.until, "x", true);
      ctx.fillStyle = style(SHADES[span.kind]);
      ctx.fillRect(from, bbox.top, Math.max(2, to - from), bbox.height);
    }
    ctx.restore();
  };
}

function overlay(head) {
  return (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.font = `${12 * devicePixelRatio}px sans-serif`;
    for (const limit of head.limits) {
      const y = u.valToPos(limit.value, limit.unit, true);
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.strokeStyle = ctx.fillStyle = style("--bad");
      ctx.setLineDash([6, 4]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.textAlign = "right";
      ctx.fillText(limit.label, bbox.left + bbox.width - 6, y - 5);
    }
    ctx.setLineDash([]);
    for (const [n, mark] of head.marks.entries()) {
      const x = u.valToPos(mark.at, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = ctx.fillStyle = style("--warn");
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const room = bbox.left + bbox.width - x;
      ctx.textAlign = room < 90 * devicePixelRatio ? "right" : "left";
      ctx.fillText(mark.label, x + (room < 90 * devicePixelRatio ? -5 : 5), bbox.top + (14 + 15 * n) * devicePixelRatio);
    }
    ctx.restore();
  };
}

const LOOKS = {
  line: () => uPlot.paths.linear(),
  step: () => uPlot.paths.stepped({ align: 1 }),
  bars: () => uPlot.paths.bars({ size: [0.8, 60], align: 1 }),
  before: () => marks,
};

// What bars are held against: a mark over the room of each, the last and those beside a gap too.
function marks(u, n, from, to) {
  const [at] = u.data, stroke = new Path2D();
  for (let i = from; i <= to; i++) {
    if (u.data[n][i] == null) continue;
    const room = Math.min(at[i + 1] - at[i] || Infinity, at[i] - at[i - 1] || Infinity, 31 * 86400);
    const y = u.valToPos(u.data[n][i], u.series[n].scale, true);
    stroke.moveTo(u.valToPos(at[i], "x", true), y);
    stroke.lineTo(u.valToPos(at[i] + (Number.isFinite(room) ? room : 86400) * 0.9, "x", true), y);
  }
  return { stroke, fill: null, flags: 1 };
}
const AXIS_DATES = zh
  ? [
      [31536000, "{YYYY}年", null, null, null, null, null, null, 1],
      [2419200, "{M}月", "\n{YYYY}年", null, null, null, null, null, 1],
      [86400, "{M}月{D}日", "\n{YYYY}年", null, null, null, null, null, 1],
      [3600, "{HH}:00", "\n{M}月{D}日", null, "\n{M}月{D}日", null, null, null, 1],
      [60, "{HH}:{mm}", "\n{M}月{D}日", null, "\n{M}月{D}日", null, null, null, 1],
    ]
  : [
      [31536000, "{YYYY}", null, null, null, null, null, null, 1],
      [2419200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
      [86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
      [3600, "{HH}:00", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
      [60, "{HH}:{mm}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
    ];

export function draw(figure, { head, data }) {
  const units = [...new Set(head.lines.map((line) => line.unit))];
  const ink = style("--quiet"), grid = style("--chart-grid");
  // A bar begins at its time: the last one needs room behind it.
  const [at] = data, last = at[at.length - 1];
  const wide = head.lines.some((line) => line.look === "bars") ? (at.length > 1 ? last - at[at.length - 2] : 86400) : 0;
  const when = wide > 27 * 86400 ? month : wide > 23 * 3600 ? day : moment;
  const options = {
    width: figure.clientWidth,
    height: Math.max(240, Math.min(360, figure.clientWidth * 0.42)),
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), zone),
    cursor: { drag: { x: true, y: false, uni: 20 }, focus: { prox: 24 } },
    scales: Object.fromEntries([["x", { time: true, range: (u, low, high) => (at.length === 1 ? [last - 43200, last + Math.max(wide, 43200)] : [low, high === last ? high + wide : high]) }], ...units.map((unit, n) => [unit, {
      range: (u, low, high) => {
        const limits = head.limits.filter((limit) => limit.unit === unit).map((limit) => limit.value);
        const top = Math.max(high ?? 0, ...limits), bottom = n || unit === "kPa" ? Math.min(low ?? 0, ...(unit === "kPa" ? limits : [])) : Math.min(low ?? 0, 0);
        const room = (top - bottom || 1) * 0.06;
        return [bottom === 0 ? 0 : bottom - room, top + room];
      },
    }])]),
    axes: [
      { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid }, values: AXIS_DATES, space: 70 },
      ...units.map((unit, n) => ({
        scale: unit, label: unit, labelSize: 18, size: (u, all) => Math.max(58, ...(all ?? []).map((v) => 14 + 8 * v.length)), side: n ? 1 : 3, stroke: ink,
        grid: n ? { show: false } : { stroke: grid, width: 1 }, ticks: { stroke: grid },
        values: (u, all) => all.map((v) => number.format(v)),
      })),
    ],
    series: [
      { label: zh ? "时间" : "Time", value: (u, at) => (at == null ? "–" : when.format(at * 1e3)) },
      ...head.lines.map((line, n) => ({
        label: line.label, scale: line.unit, stroke: line.look === "before" ? style("--ink") : style(COLOURS[n % COLOURS.length]), width: head.bands.flat().includes(n) ? 0.75 : 1.5,
        fill: line.look === "bars" ? style(COLOURS[n % COLOURS.length]) + "aa" : undefined,
        paths: LOOKS[line.look](), points: { show: line.look === "line" && head.n <= 31 }, spanGaps: false,
        value: (u, v) => (v == null || Number.isNaN(v) ? "–" : `${number.format(v)} ${line.unit}`),
      })),
    ],
    bands: head.bands.map(([high, low]) => ({ series: [high + 1, low + 1], fill: style("--chart-band") })),
    hooks: { drawClear: [underlay(head)], draw: [overlay(head)] },
  };
  figure.querySelector(".uplot")?.remove();
  const plot = new uPlot(options, data, figure);
  figure.plot = plot;
  return plot;
}

async function load(figure) {
  const words = JSON.parse(figure.dataset.words || "{}");
  figure.dataset.waiting = words.wait ?? "…";
  try {
    const answer = await fetch(figure.dataset.chart, { headers: { Accept: "application/octet-stream" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const chart = read(await answer.arrayBuffer());
    if (!chart.head.n) {
      figure.dataset.waiting = words.none ?? "–";
      figure.dataset.empty = "";
      return;
    }
    delete figure.dataset.waiting;
    const begun = performance.now();
    draw(figure, chart);
    figure.chart = chart;
    figure.dataset.shown = figure.dataset.chart;
    figure.dataset.drawn = String(Math.round(performance.now() - begun));
  } catch (error) {
    figure.dataset.waiting = words.failed ?? String(error);
    figure.dataset.failed = "";
  }
}

export function start(root = document) {
  for (const figure of root.querySelectorAll("figure[data-chart]:not([data-begun])")) {
    if (figure.closest("details:not([open])")) continue; // drawn when it is unfolded
    figure.dataset.begun = "";
    load(figure);
  }
}

// A button shows another part, or another series: <button data-shows="/charts/..." data-of="figure-id">.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-shows]");
  if (!button) return;
  const figure = document.getElementById(button.dataset.of);
  figure.dataset.chart = button.dataset.shows;
  for (const other of document.querySelectorAll(`[data-of="${CSS.escape(button.dataset.of)}"]`)) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  load(figure);
});

const widths = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    if (target.plot && Math.abs(target.plot.width - target.clientWidth) > 1) {
      target.plot.setSize({ width: target.clientWidth, height: target.plot.height });
    }
  }
});
for (const figure of document.querySelectorAll("figure[data-chart]")) widths.observe(figure);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const figure of document.querySelectorAll("figure[data-drawn]")) draw(figure, figure.chart);
});
document.addEventListener("htmx:after:swap", () => start());
document.addEventListener("toggle", (event) => event.target.open && start(event.target), true);
start();
