"use strict";
// Draws the table beside it: one stacked bar a row, one colour a status.
for (const table of document.querySelectorAll("table[data-plot]")) {
  const place = document.getElementById(table.dataset.plot);
  const heads = [...table.tHead.rows[0].cells];
  const columns = heads.map((head, index) => ({ index, name: head.dataset.series, label: head.textContent }))
    .filter((column) => column.name);
  const rows = [...table.tBodies[0].rows].reverse();
  const at = rows.map((row) => Number(row.dataset.at));
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const COLOURS = { played: "--good", informed: "--good", notdue: "--calm", failed: "--bad" };
  // Each bar reaches from the axis to the sum of those before it: the last is drawn first, and covered.
  const sums = rows.map(() => 0);
  const stacked = columns.map((column) => rows.map((row, i) => (sums[i] += Number(row.cells[column.index].textContent))));
  const series = columns.map((column) => {
    const shade = colour(COLOURS[column.name] || "--open");
    return { label: column.label, stroke: shade, fill: shade, width: 0, points: { show: false },
      paths: uPlot.paths.bars({ size: [0.7, 40] }) };
  });
  const { from, to, step } = table.dataset;
  const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  const zone = table.dataset.zone;
  const form = { 3600: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, 86400: { day: "numeric", month: "short" } }[step] || { month: "short" };
  const words = new Intl.DateTimeFormat(document.documentElement.lang, { ...form, timeZone: zone });
  const times = { ...axis, values: (_u, ticks) => ticks.map((tick) => words.format(tick * 1000)) };
  const size = () => ({ width: place.clientWidth, height: 220 });
  const plot = new uPlot({
    ...size(),
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
    scales: { x: { range: () => [Number(from) - step / 2, Number(to) - step / 2] }, y: { range: (_u, _low, high) => [0, Math.max(1, high * 1.05)] } },
    axes: [times, { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6] }],
    legend: { live: false }, cursor: { show: false },
    series: [{}, ...series.reverse()],
  }, [at, ...stacked.reverse()], place);
  addEventListener("resize", () => plot.setSize(size()));
}
