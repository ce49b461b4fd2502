// Draws <div class="map" data-map="/charts/network?dma=..."><canvas></div>: pipes, sensors, and where an event may lie.
// The mouse drags, and turns the wheel once the map has the focus (or with Ctrl); two fingers pinch; arrows move, + and - zoom, 0 shows all.

const lang = document.documentElement.lang;
const number = new Intl.NumberFormat(lang, { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(lang, { timeZone: document.body.dataset.zone || "UTC", dateStyle: "short", timeStyle: "short" });
const STEPS = [200, 300, 400, 500];
const NEAR = 14;
const HEAVY = 20000, RESTS_MS = 120, A_TILE = 2000;

// Pipes as web/pages/network_charts.py packs them, in tiles: what is not in sight is not drawn.
function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let place = 4 + length;
  const take = (Kind) => {
    const column = new Kind(buffer, place, head.n);
    place += Math.ceil(column.byteLength / 8) * 8;
    return column;
  };
  const [x1, y1, x2, y2] = Array.from({ length: 4 }, () => Float32Array.from(take(Int32Array), (v) => v / 10)), width = take(Uint8Array);
  const most = (column) => column.reduce((a, b) => Math.max(a, b), 1);
  const across = Math.ceil(Math.sqrt(head.n / A_TILE)), side = Math.max(most(x1), most(y1)) * 1.001 / Math.max(across, 1);
  const tiles = new Map();
  for (let i = 0; i < head.n; i++) {
    const at = Math.floor(x1[i] / side) * across + Math.floor(y1[i] / side);
    const tile = tiles.get(at) ?? { pipes: [], box: [Infinity, Infinity, -Infinity, -Infinity] };
    tiles.set(at, tile);
    tile.pipes.push(i);
    tile.box[0] = Math.min(tile.box[0], x1[i], x2[i]);
    tile.box[1] = Math.min(tile.box[1], y1[i], y2[i]);
    tile.box[2] = Math.max(tile.box[2], x1[i], x2[i]);
    tile.box[3] = Math.max(tile.box[3], y1[i], y2[i]);
  }
  let metres = 0;
  for (let i = 0; i < head.n; i++) metres += Math.hypot(x2[i] - x1[i], y2[i] - y1[i]);
  return { ...head, x1, y1, x2, y2, width, mean: metres / Math.max(head.n, 1), tiles: [...tiles.values()] };
}

// One path for each width: the canvas scales it.
function pathsOf({ x1, y1, x2, y2, width }, { pipes }) {
  const paths = [new Path2D(), new Path2D(), new Path2D()];
  for (const i of pipes) {
    paths[width[i]].moveTo(x1[i], y1[i]);
    paths[width[i]].lineTo(x2[i], y2[i]);
  }
  return paths;
}

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
      const answers = await Promise.all([fetch(this.figure.dataset.map), fetch(this.figure.dataset.pipes)]);
      for (const answer of answers) if (!answer.ok) throw new Error(String(answer.status));
      this.take(await answers[0].json(), unpack(await answers[1].arrayBuffer()));
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
    this.figure.dataset.drawn = String(this.pipes.n);
  }

  take(net, pipes) {
    this.net = net;
    this.pipes = pipes;
    this.seat = new Map(net.meters.map((m) => [m.name, [m.x, m.y]]));
    for (const [name, [x1, y1, x2, y2]] of Object.entries(net.seats)) this.seat.set(name, [(x1 + x2) / 2, (y1 + y2) / 2]);
    this.all = [Infinity, Infinity, -Infinity, -Infinity];
    const hold = (x, y) => {
      if (x < this.all[0]) this.all[0] = x;
      if (y < this.all[1]) this.all[1] = y;
      if (x > this.all[2]) this.all[2] = x;
      if (y > this.all[3]) this.all[3] = y;
    };
    for (const tile of pipes.tiles) {
      hold(pipes.left + tile.box[0], pipes.bottom + tile.box[1]);
      hold(pipes.left + tile.box[2], pipes.bottom + tile.box[3]);
    }
    for (const { x, y } of net.meters) hold(x, y);
    if (this.all[0] > this.all[2]) this.all = [0, 0, 1, 1];
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
    this.lay();
    this.scaled(ctx);
    const line = ([x1, y1, x2, y2]) => {
      ctx.moveTo(x1 - this.pipes.left, y1 - this.pipes.bottom);
      ctx.lineTo(x2 - this.pipes.left, y2 - this.pipes.bottom);
    };
    ctx.lineCap = "round";
    ctx.beginPath();
    net.own.forEach(line);
    ctx.strokeStyle = this.colour("--map-own");
    ctx.lineWidth = Math.min(2.2, Math.max(0.8, (this.pipes.mean * this.k) / 5)) / this.k;
    ctx.stroke();
    const events = net.events.filter((e) => this.shown === null ? this.by === "event" || e === net.events[0] : e.id === this.shown);
    ctx.beginPath();
    events.flatMap((e) => e.places).map((name) => net.seats[name]).filter(Boolean).forEach(line);
    ctx.strokeStyle = this.colour("--map-mark");
    ctx.lineWidth = 5 / this.k;
    ctx.stroke();
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pickable = [];
    for (const meter of net.meters) this.meter(meter);
    this.marks(events);
    this.figure.dataset.scale = this.k.toPrecision(4);
    this.figure.dataset.middle = `${this.cx.toPrecision(6)} ${this.cy.toPrecision(6)}`;
    this.figure.dataset.marked = events.map((e) => e.id).join(" ");
  }

  // Metres from the corner of the network as units: the canvas counts in 24 bits.
  scaled(ctx) {
    const ratio = devicePixelRatio, { pipes } = this;
    ctx.setTransform(ratio * this.k, 0, 0, -ratio * this.k,
      ratio * (this.width / 2 - (this.cx - pipes.left) * this.k), ratio * (this.height / 2 + (this.cy - pipes.bottom) * this.k));
  }

  // The pipes lie on a sheet of their own. While a large network is moved the sheet is, and it is painted anew after.
  lay() {
    const { ctx, canvas } = this, look = [canvas.width, canvas.height, this.colour("--map-pipe"), this.colour("--map-ground")].join();
    const { sheet } = this, same = sheet?.look === look;
    if (!same || sheet.k !== this.k || sheet.cx !== this.cx || sheet.cy !== this.cy) {
      clearTimeout(this.later);
      if (same && this.pipes.n > HEAVY) {
        this.later = setTimeout(() => { this.paint(look); this.draw(); }, RESTS_MS);
        const by = this.k / sheet.k, ratio = devicePixelRatio;
        const x = (sheet.cx - this.cx) * this.k * ratio + (canvas.width * (1 - by)) / 2, y = (this.cy - sheet.cy) * this.k * ratio + (canvas.height * (1 - by)) / 2;
        ctx.drawImage(sheet.canvas, x, y, canvas.width * by, canvas.height * by);
        return;
      }
      this.paint(look);
    }
    ctx.drawImage(this.sheet.canvas, 0, 0);
  }

  paint(look) {
    const { pipes, k, cx, cy } = this, kept = this.sheet?.canvas ?? document.createElement("canvas");
    kept.width = this.canvas.width;
    kept.height = this.canvas.height;
    const ctx = kept.getContext("2d");
    this.scaled(ctx);
    ctx.strokeStyle = this.colour("--map-pipe");
    const fine = Math.min(1, Math.max(0.3, (pipes.mean * k) / 12)); // a town seen whole is a web of lines, no blot
    const x = cx - pipes.left, y = cy - pipes.bottom, w = this.width / 2 / k, h = this.height / 2 / k;
    for (const tile of pipes.tiles) {
      if (tile.box[0] > x + w || tile.box[2] < x - w || tile.box[1] > y + h || tile.box[3] < y - h) continue;
      tile.paths ??= pathsOf(pipes, tile);
      tile.paths.forEach((path, width) => { ctx.lineWidth = ((1 + width * 1.1) * fine) / k; ctx.stroke(path); });
    }
    this.sheet = { canvas: kept, look, k, cx, cy };
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
