// Candles with our orders and fills. Up is hollow and blue, down is filled and orange; a buy points up from below, a
// sell points down from above: nothing is told by colour alone.
"use strict";
(() => {
  const place = document.getElementById("candles");
  const lib = window.LightweightCharts;
  if (!place || !lib) { return; }
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const legend = document.getElementById("ohlc"), note = document.getElementById("chart-note");
  const bars = new Map();
  let shown = 0, marked = "", lines = [], colours = {}, held = "", last = null, onIt = null;

  const chart = lib.createChart(place, {
    autoSize: true,
    layout: { attributionLogo: false, fontFamily: "system-ui, sans-serif", fontSize: 12, background: { color: "transparent" } },
    timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 4, barSpacing: 10, minBarSpacing: 2, maxBarSpacing: 28 },
    crosshair: { mode: lib.CrosshairMode.Normal },
    handleScroll: { vertTouchDrag: false },
  });
  const candles = chart.addSeries(lib.CandlestickSeries, { lastValueVisible: false, priceLineVisible: false });
  const volume = chart.addSeries(lib.HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
  candles.priceScale().applyOptions({ scaleMargins: { top: 0.16, bottom: 0.3 } });
  const marks = lib.createSeriesMarkers(candles, []);

  function paint() {
    colours = { up: css("--up"), down: css("--down"), text: css("--muted"), line: css("--line"), panel: css("--panel"), upSoft: css("--up-soft"), downSoft: css("--down-soft") };
    chart.applyOptions({
      layout: { textColor: colours.text, background: { color: colours.panel } },
      grid: { vertLines: { color: colours.line }, horzLines: { color: colours.line } },
      rightPriceScale: { borderColor: colours.line }, timeScale: { borderColor: colours.line },
    });
    candles.applyOptions({
      upColor: colours.panel, borderUpColor: colours.up, wickUpColor: colours.up,
      downColor: colours.down, borderDownColor: colours.down, wickDownColor: colours.down,
    });
  }

  const bar = ([time, [open, high, low, close]]) => ({ time, open, high, low, close });
  const sold = ([time, [open, , , close, value]]) => ({ time, value, color: close >= open ? colours.upSoft : colours.downSoft });
  const places = (price) => price >= 100 ? 2 : price >= 1 ? 3 : 5;

  function all() {
    const rows = [...bars].sort((one, other) => one[0] - other[0]);
    candles.setData(rows.map(bar));
    volume.setData(rows.map(sold));
    if (rows.length) {
      const precision = places(rows.at(-1)[1][3]);
      candles.applyOptions({ priceFormat: { type: "price", precision, minMove: 10 ** -precision } });
    }
    if (rows.length > shown + 3) { chart.timeScale().scrollToPosition(4, false); } // the past has arrived: to the present
    shown = rows.length;
  }

  function take(fresh) {
    const newest = bars.size ? Math.max(...bars.keys()) : -Infinity;
    fresh.forEach(([time, row]) => bars.set(time, row));
    if (fresh.length > 3 || fresh.some(([time]) => time < newest) || !shown) { all(); return; }
    fresh.sort((one, other) => one[0] - other[0]).forEach((row) => { candles.update(bar(row)); volume.update(sold(row)); });
  }

  // A fill from before the first candle is left out: the library would draw it at that one.
  function mark(told) {
    const first = Math.min(...bars.keys()), now = JSON.stringify([told, first]);
    if (now === marked) { return; }
    marked = now;
    const minute = (second) => second - second % 60;
    const fills = told.fills.filter((fill) => minute(fill.time) >= first);
    marks.setMarkers(fills.map((fill) => ({
      time: minute(fill.time), position: fill.buy ? "belowBar" : "aboveBar", shape: fill.buy ? "arrowUp" : "arrowDown",
      color: fill.buy ? colours.up : colours.down, text: fills.length > 30 ? fill.text[0] : fill.text,
    })));
    lines.forEach((line) => candles.removePriceLine(line));
    lines = told.lines.map((line) => candles.createPriceLine({
      price: line.price, color: line.side === "buy" ? colours.up : colours.down, lineWidth: 1,
      lineStyle: lib.LineStyle.Dashed, axisLabelVisible: true, title: line.text,
    }));
    place.dataset.fills = String(fills.length);
  }

  // The last price, in a line of its own: that of the library has the colour of the candle's body, which is hollow.
  function follow([open, , , close]) {
    const options = { price: close, color: close >= open ? colours.up : colours.down, lineWidth: 1, lineStyle: lib.LineStyle.Dotted, axisLabelVisible: true, title: "" };
    if (last) { last.applyOptions(options); } else { last = candles.createPriceLine(options); }
  }

  function read(row) {
    if (!row) { return; }
    const [open, high, low, close] = row, fixed = (one) => one.toFixed(places(close));
    legend.textContent = `O ${fixed(open)}  H ${fixed(high)}  L ${fixed(low)}  C ${fixed(close)} ${close >= open ? "▲" : "▼"}${held && held !== "0" ? `   held ${held}` : ""}`;
  }

  const latest = () => bars.get(Math.max(...bars.keys()));

  window.addEventListener("news", ({ detail }) => {
    const fresh = Object.entries(detail).filter(([name]) => name.startsWith("c:")).map(([name, row]) => [Number(name.slice(2)), row]);
    if (detail.marks) { onIt = detail.marks; held = onIt.held; }
    if (fresh.length) { take(fresh); read(latest()); follow(latest()); place.dataset.candles = String(bars.size); }
    if (onIt) { mark(onIt); }
    if ("note" in detail && note.textContent !== detail.note) { note.textContent = detail.note; }
    if (bars.size) {
      const text = `Minute candles of ${place.dataset.symbol}, last price ${latest()[3]}, ${place.dataset.fills || 0} fills shown`;
      if (place.getAttribute("aria-label") !== text) { place.setAttribute("aria-label", text); }
    }
  });
  chart.subscribeCrosshairMove(({ time }) => { if (bars.size) { read(time ? bars.get(time) : latest()); } });
  window.addEventListener("themed", () => { paint(); marked = ""; if (bars.size) { all(); follow(latest()); } if (onIt) { mark(onIt); } });
  paint();
})();
