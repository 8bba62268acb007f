// Draws the charts of a page anew with the library, so that a moment and its value can be pointed at. The picture the
// hub drew stays where the library is missing, and on paper. Stands before the library, and draws when both are there.
"use strict";
(() => {
  // The library would write the style of its maps, which we have none of, into the page, and our pages refuse that. It
  // does not when the page has an element of this name (Plotly.js 4.1).
  const styled = document.createElement("meta");
  styled.id = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";
  document.head.append(styled);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const draw = (place) => {
    const data = JSON.parse(place.dataset.chart);
    if (!data.x.length) return;
    const traces = data.series.map((one, number) => ({
      x: data.x.map((moment) => moment.slice(0, 19)), y: one.y, name: data.names[number], type: "scatter",
      mode: data.x.length > 1 ? "lines" : "markers", connectgaps: false, line: { color: colour(number ? "--s3" : "--s1"), width: 2 },
    }));
    const axis = { color: colour("--soft"), gridcolor: colour("--tick"), zerolinecolor: colour("--line"), fixedrange: false };
    const layout = {
      height: 190, margin: { l: 54, r: 10, t: 8, b: 28 }, showlegend: false, hovermode: "x unified",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: colour("--ink"), size: 11.5 },
      hoverlabel: { bgcolor: colour("--paper"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
      xaxis: { ...axis, hoverformat: "%Y-%m-%d %H:%M", tickformat: place.dataset.format, nticks: 7, tickangle: 0 }, yaxis: { ...axis, rangemode: "tozero" },
    };
    const drawn = document.createElement("div");
    drawn.className = "drawn";
    drawn.setAttribute("aria-hidden", "true");
    place.append(drawn);
    window.Plotly.newPlot(drawn, traces, layout, { displayModeBar: false, responsive: true })
      .then(() => place.classList.add("is-drawn"));
  };
  document.addEventListener("DOMContentLoaded", () => {
    if (window.Plotly) document.querySelectorAll("[data-chart]").forEach(draw);
  });
})();
