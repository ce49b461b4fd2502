async ([uplot, chart]) => {
  await new Promise((done) => {
    const script = document.createElement("script");
    script.src = uplot;
    script.onload = done;
    document.head.append(script);
  });
  const { draw } = await import(chart);
  const n = 105120;
  const at = Float64Array.from({ length: n }, (_, i) => 1.7e9 + 300 * i);
  const value = Float32Array.from({ length: n }, (_, i) => 50 + 40 * Math.sin(i / 40) + (i % 7));
  const figure = document.createElement("figure");
  figure.className = "chart";
  figure.id = "year";
  document.querySelector("main").prepend(figure);
  const head = {
    n, spans: [], marks: [], bands: [],
    lines: [{ label: "Flow", unit: "L/h", look: "line" }],
    limits: [{ value: 80, label: "Threshold", unit: "L/h" }],
  };
  window.plot = draw(figure, { head, data: [at, value] });
}
