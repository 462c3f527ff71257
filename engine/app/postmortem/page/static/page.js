"use strict";
// Draws the charts of a report from the numbers in the page. Nothing is fetched.
(() => {
  const told = JSON.parse(document.getElementById("data").textContent);
  const charts = [];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const palette = () => ["blue", "orange", "green", "purple", "amber", "sky"].map(colour);
  const dashes = [[], [8, 4], [2, 3], [10, 3, 2, 3], [4, 4], [1, 4]];
  const inZone = (seconds) => uPlot.tzDate(new Date(seconds * 1e3), told.zone === "UTC" ? "Etc/UTC" : told.zone);
  const times = (offsets) => offsets.map((one) => told.t0 + one);
  const money = (value) => value == null ? "" :
    (value < 0 ? "-$" : "$") + Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const plain = (value) => value == null ? "" : value.toLocaleString("en-US", { maximumFractionDigits: 6 });
  const share = (value) => value == null ? "" : value.toFixed(3) + " %";

  // How marks of the time axis are written, by how far apart they are: 24 hours, and the day where it changes.
  const clock = [
    [31536000, "{YYYY}", null, null, null, null, null, null, 1],
    [2419200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [3600, "{HH}:00", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
    [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
    [1, "{HH}:{mm}:{ss}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
    [0.001, "{mm}:{ss}.{fff}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
  ];
  const axes = (format) => {
    const look = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
    return [
      { ...look, space: 70, values: clock },
      { ...look, size: 84, values: (_, splits) => short(splits, format) },
    ];
  };
  // As many digits as tell neighbouring marks of an axis apart.
  const short = (splits, format) => {
    const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : 1;
    let digits = 0;
    while (digits < 6 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6 * step * 10 ** digits) digits++;
    const unit = format === money ? "$" : "";
    const after = format === share ? " %" : "";
    return splits.map((one) => (one < 0 ? "-" : "") + unit +
      Math.abs(one).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }) + after);
  };
  const draw = (place, series, data, format, more) => {
    const options = {
      width: place.clientWidth, height: place.clientHeight - 28, tzDate: inZone,
      legend: { live: true }, cursor: { sync: { key: "time" }, drag: { x: true, y: false } },
      scales: { x: { time: true } }, axes: axes(format),
      series: [{ value: (_, at) => at == null ? "" : inZone(at).toLocaleTimeString("en-GB") }, ...series], ...more,
    };
    place.replaceChildren();
    charts.push([place, new uPlot(options, data, place)]);
  };
  const line = (label, stroke, format, more) => ({
    label, stroke, width: 1.6, points: { show: false }, value: (_, at) => format(at), ...more,
  });

  const spread = (values) => Math.max(...values) - Math.min(...values);
  const draws = {
    equity(place) {
      const { t, total, hold } = told.equity;
      const series = [line("equity", colour("blue"), money, { width: 2 })];
      const data = [times(t), total];
      if (hold) {
        // Where holding moved much more than the account it would flatten the curve: a click shows it.
        const show = spread(hold) <= 4 * Math.max(spread(total), 1e-9);
        series.push(line("holding the same symbols", colour("quiet"), money, { dash: [5, 4], show }));
        data.push(hold);
      }
      draw(place, series, data, money);
    },
    falls(place) {
      const { t, falls } = told.equity;
      const fill = colour("orange") + "33";
      draw(place, [line("drawdown", colour("orange"), share, { fill, fillTo: 0 })], [times(t), falls], share);
    },
    by(place) {
      const { t, by } = told.equity;
      const colours = palette();
      const series = by.map((one, number) => line(one.name, colours[number % colours.length], money,
        { dash: dashes[Math.floor(number / colours.length) % dashes.length] }));
      draw(place, series, [times(t), ...by.map((one) => one.y)], money);
    },
    price(place) {
      const one = told.prices[Number(place.dataset.place)];
      const data = [times(one.t), one.p];
      const series = [line("price", colour("text"), plain, { width: 1.2 })];
      const more = { plugins: [fills(one)] };
      if (one.lo) {
        const band = { stroke: "transparent", width: 0, points: { show: false } };
        series.push({ label: "high", ...band, value: (_, at) => plain(at) }, { label: "low", ...band, value: (_, at) => plain(at) });
        data.push(one.hi, one.lo);
        more.bands = [{ series: [2, 3], fill: colour("quiet") + "44" }];
      }
      const all = [...one.p, ...(one.lo || []), ...(one.hi || []), ...one.fills.map((fill) => fill.p)];
      const low = Math.min(...all), high = Math.max(...all), room = (high - low || Math.abs(high) * 0.001 || 1) * 0.06;
      more.scales = { x: { time: true }, y: { range: (chart, min, max) => {
        const whole = chart.scales.x.min <= data[0][0] && chart.scales.x.max >= data[0][data[0].length - 1];
        return whole || min == null ? [low - room, high + room] : [min - room, max + room];
      } } };
      draw(place, series, data, plain, more);
    },
  };
  // A triangle for each fill, its tip at the price: up for a buy, down for a sale. Its words come when it is pointed at.
  const fills = (one) => ({
    hooks: {
      draw: (chart) => {
        const { ctx, bbox } = chart, size = 7 * devicePixelRatio;
        ctx.save();
        ctx.beginPath();
        ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
        ctx.clip();
        for (const fill of one.fills) {
          const x = chart.valToPos(told.t0 + fill.t, "x", true), y = chart.valToPos(fill.p, "y", true);
          const way = fill.buy ? 1 : -1;
          ctx.beginPath();
          ctx.moveTo(x, y);
          ctx.lineTo(x - size * 0.65, y + way * size * 1.25);
          ctx.lineTo(x + size * 0.65, y + way * size * 1.25);
          ctx.closePath();
          ctx.fillStyle = colour(fill.buy ? "up" : "down");
          ctx.fill();
          ctx.strokeStyle = colour("ground");
          ctx.lineWidth = devicePixelRatio;
          ctx.stroke();
        }
        ctx.restore();
      },
      setCursor: (chart) => {
        const { left, top } = chart.cursor;
        let near = "", best = 14;
        for (const fill of left < 0 ? [] : one.fills) {
          const way = Math.hypot(chart.valToPos(told.t0 + fill.t, "x") - left, chart.valToPos(fill.p, "y") - top);
          if (way < best) [best, near] = [way, fill.what];
        }
        chart.over.title = near;
      },
    },
  });

  const drawIn = (root) => {
    for (const place of root.querySelectorAll("[data-chart]")) {
      if (place.clientWidth && !place.firstChild) draws[place.dataset.chart](place);
    }
  };
  const again = () => {
    for (const [place, chart] of charts.splice(0)) {
      chart.destroy();
      place.replaceChildren();
    }
    drawIn(document);
  };
  document.addEventListener("toggle", (event) => drawIn(event.target), true);
  dark.addEventListener("change", again);
  let width = innerWidth, waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (innerWidth !== width) { width = innerWidth; again(); } }, 150);
  });
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not(:has(pre))")) one.open = true;
    again();
  });
  drawIn(document);
})();
