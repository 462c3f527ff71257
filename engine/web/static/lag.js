// Lag of each feed: p99 as a full line, p50 dashed, by market time.
"use strict";
(() => {
  const place = document.getElementById("lag");
  if (!place || !window.uPlot) { return; }
  const HEIGHT = 190;
  const DECADES = [0.001, 0.01, 0.1, 1, 10, 100, 1e3, 1e4, 1e5]; // ms: lags differ by orders, so the scale is one of them
  const time = (at) => new Date(at * 1e3).toISOString().slice(11, 19);
  let plot = null, names = "", told = null;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const ms = (value) => value == null ? "" : value >= 1000 ? `${+(value / 1000).toFixed(1)} s` : value >= 1 ? `${+value.toFixed(1)} ms` : `${Math.round(value * 1000)} µs`;

  function build() {
    if (plot) { plot.destroy(); }
    const colours = [css("--series-1"), css("--series-2"), css("--series-3"), css("--series-4")];
    const axis = { stroke: css("--muted"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 }, font: "12px system-ui" };
    const series = [{ label: "time", value: (_, at) => at == null ? "now" : time(at) }];
    told.feeds.forEach((feed, number) => {
      const stroke = colours[number % colours.length];
      const value = (drawn, raw, at, index) => ms(index == null ? drawn.data[at].findLast((one) => one != null) : raw);
      series.push({ label: `${feed.name} p99`, stroke, width: 2, value, spanGaps: false, points: { show: false } });
      series.push({ label: `${feed.name} p50`, stroke, width: 1.5, dash: [4, 4], value, spanGaps: false, points: { show: false } });
    });
    plot = new uPlot({
      width: Math.max(place.clientWidth, 200), height: HEIGHT, series,
      axes: [
        { ...axis, values: (_, ticks) => ticks.map(time), space: 70 },
        { ...axis, size: 62, values: (_, ticks) => ticks.map(ms), splits: (_, __, low, high) => DECADES.filter((one) => one >= low && one <= high) },
      ],
      scales: { y: { distr: 3, range: (_, low, high) => [10 ** Math.floor(Math.log10(Math.max(low || 0.1, 0.001))), 10 ** Math.ceil(Math.log10(Math.max(high || 1, 0.01)) + 0.01)] } },
      tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), "Etc/UTC"),
      cursor: { drag: { x: false, y: false } },
    }, rows(), place);
    tell();
  }

  const rows = () => [told.at, ...told.feeds.flatMap((feed) => [feed.p99, feed.p50])];

  function tell() {
    const last = told.feeds.map((feed) => `${feed.name} p99 ${ms(feed.p99.findLast((one) => one != null))}`).join(", ");
    place.setAttribute("aria-label", `Lag of each feed over the last minutes; now ${last || "nothing is told"}`);
  }

  window.addEventListener("news", ({ detail }) => {
    if (!detail.lag || detail.lag.at.length < 2) { return; }
    told = detail.lag;
    const now = told.feeds.map((feed) => feed.name).join();
    if (!plot || now !== names) { names = now; build(); } else { plot.setData(rows()); tell(); }
  });
  window.addEventListener("themed", () => { if (told) { build(); } });
  new ResizeObserver(() => { if (plot) { plot.setSize({ width: Math.max(place.clientWidth, 200), height: HEIGHT }); } }).observe(place);
})();
