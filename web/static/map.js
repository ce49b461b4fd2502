// Draws <div class="map" data-map="/charts/network?dma=..."><canvas></div>: pipes, sensors, and where an event may lie.
// The mouse drags, and turns the wheel once the map has the focus (or with Ctrl); two fingers pinch; arrows move, + and - zoom, 0 shows all.

const lang = document.documentElement.lang;
const number = new Intl.NumberFormat(lang, { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(lang, { timeZone: document.body.dataset.zone || "UTC", dateStyle: "short", timeStyle: "short" });
const STEPS = [200, 300, 400, 500];
const NEAR = 14;

class NetworkMap {
  constructor(figure) {
    this.figure = figure;
    this.canvas = figure.querySelector("canvas");
    this.ctx = this.canvas.getContext("2d");
    this.words = JSON.parse(figure.dataset.words);
    this.said = document.getElementById(figure.dataset.said);
    this.by = "pressure";
    this.shown = null; // the event whose places are marked; null: of all
    this.fingers = new Map();
  }

  async load() {
    this.figure.dataset.waiting = this.words.wait;
    try {
      const answer = await fetch(this.figure.dataset.map);
      if (!answer.ok) throw new Error(String(answer.status));
      this.take(await answer.json());
      delete this.figure.dataset.waiting;
    } catch {
      this.figure.dataset.waiting = this.words.failed;
      this.figure.dataset.failed = "";
      return;
    }
    this.listen();
    this.shape();
    this.size();
    this.whole();
    this.figure.dataset.drawn = String(this.net.a.length);
  }

  take(net) {
    this.net = net;
    this.seat = new Map();
    net.node.forEach((name, i) => this.seat.set(name, [net.x[i], net.y[i]]));
    net.meters.forEach((m) => this.seat.set(m.name, [m.x, m.y]));
    net.pipe.forEach((name, i) => {
      const a = net.a[i], b = net.b[i];
      this.seat.set(name, [(net.x[a] + net.x[b]) / 2, (net.y[a] + net.y[b]) / 2]);
    });
    this.pipeAt = new Map(net.pipe.map((name, i) => [name, i]));
    // One path for each width, in the utility's own coordinates: the canvas scales it.
    this.paths = [new Path2D(), new Path2D(), new Path2D()];
    for (let i = 0; i < net.a.length; i++) {
      const path = this.paths[net.mm[i] >= 400 ? 2 : net.mm[i] >= 200 ? 1 : 0];
      path.moveTo(net.x[net.a[i]], net.y[net.a[i]]);
      path.lineTo(net.x[net.b[i]], net.y[net.b[i]]);
    }
    const xs = [...net.x, ...net.meters.map((m) => m.x)], ys = [...net.y, ...net.meters.map((m) => m.y)];
    const least = (all) => all.reduce((a, b) => Math.min(a, b), Infinity), most = (all) => all.reduce((a, b) => Math.max(a, b), -Infinity);
    this.all = xs.length ? [least(xs), least(ys), most(xs), most(ys)] : [0, 0, 1, 1];
  }

  // --- What is seen: `k` pixels a unit, with (cx, cy) in the middle; y points up.
  fit([left, bottom, right, top]) {
    const room = 0.9;
    const w = Math.max(right - left, 1e-6), h = Math.max(top - bottom, 1e-6);
    const span = Math.max(this.all[2] - this.all[0], this.all[3] - this.all[1], 1e-6);
    this.k = Math.min((this.width / Math.max(w, span / 40)) * room, (this.height / Math.max(h, span / 40)) * room);
    this.cx = (left + right) / 2;
    this.cy = (bottom + top) / 2;
    this.draw();
  }

  whole() { this.fit(this.all); this.least = this.k / 2; }

  // What is known to lie in the district, and as much around it as shows where that is.
  around() {
    if (!this.net.extent) return this.all;
    const [left, bottom, right, top] = this.net.extent;
    const margin = Math.max(right - left, top - bottom) * 0.08;
    return [left - margin, bottom - margin, right + margin, top + margin];
  }

  district() { this.fit(this.around()); }

  zoom(by, x = this.width / 2, y = this.height / 2) {
    const k = Math.min(Math.max(this.k * by, this.least), this.least * 2000);
    const dx = x - this.width / 2, dy = y - this.height / 2;
    this.cx += dx / this.k - dx / k;
    this.cy -= dy / this.k - dy / k;
    this.k = k;
    this.soon();
  }

  move(dx, dy) {
    this.cx -= dx / this.k;
    this.cy += dy / this.k;
    this.soon();
  }

  at([x, y]) {
    return [(x - this.cx) * this.k + this.width / 2, (this.cy - y) * this.k + this.height / 2];
  }

  // As high as the network is for its width, so that a long town leaves no empty room.
  shape() {
    const [left, bottom, right, top] = this.around();
    const high = (this.canvas.clientWidth * (top - bottom)) / Math.max(right - left, 1e-6);
    this.figure.style.height = `${Math.round(Math.min(Math.max(high * 1.1, 260), 560, innerHeight * 0.62))}px`;
  }

  size() {
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = Math.round(this.width * devicePixelRatio);
    this.canvas.height = Math.round(this.height * devicePixelRatio);
  }

  soon() {
    this.asked ??= requestAnimationFrame(() => { this.asked = null; this.draw(); });
  }

  colour(name) { return this.style.getPropertyValue(name).trim(); }

  draw() {
    const { ctx, net } = this, ratio = devicePixelRatio;
    this.style = getComputedStyle(this.figure);
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.fillStyle = this.colour("--map-ground");
    ctx.fillRect(0, 0, this.canvas.width, this.canvas.height);
    ctx.setTransform(ratio * this.k, 0, 0, -ratio * this.k, ratio * (this.width / 2 - this.cx * this.k), ratio * (this.height / 2 + this.cy * this.k));
    ctx.strokeStyle = this.colour("--map-pipe");
    this.paths.forEach((path, width) => { ctx.lineWidth = (1 + width * 1.1) / this.k; ctx.stroke(path); });
    const events = net.events.filter((e) => this.shown === null ? this.by === "event" || e === net.events[0] : e.id === this.shown);
    ctx.strokeStyle = this.colour("--map-mark");
    ctx.lineCap = "round";
    ctx.lineWidth = 5 / this.k;
    ctx.beginPath();
    for (const name of events.flatMap((e) => e.places)) {
      const i = this.pipeAt.get(name);
      if (i === undefined) continue;
      ctx.moveTo(net.x[net.a[i]], net.y[net.a[i]]);
      ctx.lineTo(net.x[net.b[i]], net.y[net.b[i]]);
    }
    ctx.stroke();
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pickable = [];
    for (const meter of net.meters) this.meter(meter);
    this.marks(events);
    this.figure.dataset.scale = this.k.toPrecision(4);
    this.figure.dataset.middle = `${this.cx.toPrecision(6)} ${this.cy.toPrecision(6)}`;
    this.figure.dataset.marked = events.map((e) => e.id).join(" ");
  }

  meter(meter) {
    const { ctx } = this, [x, y] = this.at([meter.x, meter.y]);
    if (x < -20 || y < -20 || x > this.width + 20 || y > this.height + 20) return;
    ctx.lineWidth = 2;
    ctx.beginPath();
    if (meter.kind !== "pressure") {
      ctx.rect(x - 6, y - 6, 12, 12);
      ctx.fillStyle = this.colour("--map-ground");
      ctx.strokeStyle = this.colour("--map-ink");
      ctx.fill();
      ctx.stroke();
    } else if (this.by === "event" || meter.kpa === null) {
      ctx.arc(x, y, 6, 0, 7);
      ctx.fillStyle = this.colour("--map-ground");
      ctx.strokeStyle = this.colour("--map-pipe");
      ctx.fill();
      ctx.stroke();
    } else if (meter.least !== null && meter.kpa < meter.least) {
      ctx.moveTo(x, y + 9);
      ctx.lineTo(x - 9, y - 7);
      ctx.lineTo(x + 9, y - 7);
      ctx.closePath();
      ctx.fillStyle = this.colour("--map-low");
      ctx.fill();
    } else {
      ctx.arc(x, y, 7, 0, 7);
      ctx.fillStyle = this.colour(`--map-${1 + STEPS.filter((step) => meter.kpa >= step).length}`);
      ctx.strokeStyle = this.colour("--map-ground");
      ctx.fill();
      ctx.lineWidth = 1.5;
      ctx.stroke();
    }
    this.pickable.push([x, y, this.telling(meter)]);
  }

  // The first place of each event is drawn last, on top of those that are less likely.
  marks(events) {
    const { ctx } = this;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    for (const { places } of events) {
      for (let rank = places.length; rank > 0; rank--) {
        const seat = this.seat.get(places[rank - 1]);
        if (!seat) continue;
        const [x, y] = this.at(seat), r = rank === 1 ? 13 : 9;
        ctx.beginPath();
        ctx.arc(x, y, r, 0, 7);
        ctx.fillStyle = rank === 1 ? this.colour("--map-mark") : this.colour("--map-ground");
        ctx.strokeStyle = rank === 1 ? this.colour("--map-ground") : this.colour("--map-mark");
        ctx.lineWidth = 2;
        ctx.fill();
        ctx.stroke();
        ctx.font = `${rank === 1 ? "bold 14" : "11"}px sans-serif`;
        ctx.fillStyle = rank === 1 ? this.colour("--map-ground") : this.colour("--map-ink");
        ctx.fillText(String(rank), x, y + 0.5);
        this.pickable.push([x, y, `${this.words.place} ${rank}: ${places[rank - 1]}`]);
      }
    }
  }

  telling(meter) {
    const name = `${this.words[meter.kind]} ${meter.name}`;
    if (meter.kind !== "pressure") return name;
    if (meter.kpa === null) return `${name}: ${this.words.silent}`;
    const least = meter.least !== null && meter.kpa < meter.least ? ` (${this.words.low} ${number.format(meter.least)} kPa)` : "";
    return `${name}: ${number.format(meter.kpa)} kPa${least}, ${clock.format(meter.at * 1e3)}`;
  }

  // What lies under the hand is said below the map.
  tell(x, y) {
    const near = this.pickable.filter(([px, py]) => Math.hypot(px - x, py - y) < NEAR).at(-1);
    this.say(near ? near[2] : this.words.hint);
  }

  say(text) { if (this.said.textContent !== text) this.said.textContent = text; }

  show(event, place) {
    const found = this.net.events.find((e) => e.id === event);
    this.shown = event;
    const wanted = (place ? [place] : found?.places ?? []).map((name) => this.seat.get(name)).filter(Boolean);
    if (!wanted.length) { this.draw(); this.say(this.words.nowhere); return; }
    const xs = wanted.map((p) => p[0]), ys = wanted.map((p) => p[1]);
    this.fit([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]);
    this.say(place ? `${this.words.place} ${found.places.indexOf(place) + 1}: ${place}` : `${this.words.marked} ${wanted.length}`);
  }

  listen() {
    const { canvas, fingers } = this;
    const place = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true });
      fingers.set(event.pointerId, place(event));
      if (event.pointerType !== "mouse") this.tell(...place(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      const now = place(event), before = fingers.get(event.pointerId);
      if (!before) { this.tell(...now); return; }
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      fingers.set(event.pointerId, now);
      if (!other) { this.move(now[0] - before[0], now[1] - before[1]); return; }
      const apart = (p) => Math.max(Math.hypot(p[0] - other[0], p[1] - other[1]), 1);
      this.move((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
      this.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));
    canvas.addEventListener("wheel", (event) => {
      if (!(event.ctrlKey || event.metaKey || document.activeElement === canvas)) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...place(event));
    }, { passive: false });
    canvas.addEventListener("dblclick", (event) => this.zoom(2, ...place(event)));
    const step = 60;
    const keys = {
      ArrowLeft: () => this.move(step, 0), ArrowRight: () => this.move(-step, 0), ArrowUp: () => this.move(0, step), ArrowDown: () => this.move(0, -step),
      "+": () => this.zoom(1.4), "=": () => this.zoom(1.4), "-": () => this.zoom(1 / 1.4), 0: () => this.whole(),
    };
    canvas.addEventListener("keydown", (event) => {
      const does = !event.ctrlKey && !event.metaKey && !event.altKey && keys[event.key];
      if (!does) return;
      event.preventDefault();
      event.stopPropagation();
      does();
    });
    new ResizeObserver(() => {
      if (!canvas.clientWidth || (canvas.clientWidth === this.width && canvas.clientHeight === this.height)) return;
      this.size();
      this.draw();
    }).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    for (const [when, on] of [["beforeprint", true], ["afterprint", false]]) {
      addEventListener(when, () => { this.figure.classList.toggle("paper", on); this.draw(); });
    }
  }
}

// Buttons: data-map-does="in|out|whole|district", data-map-by="pressure|event", data-map-event="ID" with data-map-place.
function start() {
  const figure = document.querySelector(".map[data-map]:not([data-begun])");
  if (!figure) return;
  figure.dataset.begun = "";
  const map = new NetworkMap(figure);
  const does = { in: () => map.zoom(1.5), out: () => map.zoom(1 / 1.5), whole: () => map.whole(), district: () => map.district() };
  map.load().then(() => {
    if (!map.net) return;
    map.district();
    document.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-map-does], [data-map-by], [data-map-event]");
      if (!button) return;
      const { mapDoes, mapBy, mapEvent, mapPlace } = button.dataset;
      if (mapDoes) does[mapDoes]();
      if (mapEvent) {
        map.show(Number(mapEvent), mapPlace);
        figure.scrollIntoView({ block: "nearest" });
      }
      if (mapBy) {
        map.by = mapBy;
        map.shown = null;
        for (const other of document.querySelectorAll("[data-map-by]")) other.setAttribute("aria-pressed", String(other === button));
        map.draw();
      }
    });
  });
}
start();
