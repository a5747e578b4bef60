// Sorting, filtering and opening of tables, and the charts. In a function, because vega.js fills the global scope.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Tables: every agent is a <tbody>, so that what its row opens to moves with it.

  const valueOf = (body, column) => body.rows[0].cells[column].dataset.value;

  function sort(table, header) {
    const column = header.cellIndex;
    const numbers = header.classList.contains("number");
    const ascending = header.ariaSort === "none" ? !numbers || column === 0 : header.ariaSort === "descending";
    for (const other of table.tHead.rows[0].cells) other.ariaSort = "none";
    header.ariaSort = ascending ? "ascending" : "descending";
    const order = ascending ? 1 : -1;
    const bodies = [...table.tBodies].sort((a, b) => {
      const [x, y] = [valueOf(a, column), valueOf(b, column)];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined); // always last
      return order * (column === 1 ? x.localeCompare(y, "en", { numeric: true }) : x - y);
    });
    table.append(...bodies);
  }

  for (const table of all("table.ranking")) {
    for (const header of table.tHead.rows[0].cells) {
      header.querySelector("button").addEventListener("click", () => sort(table, header));
    }
  }

  for (const button of all("button.open")) {
    button.addEventListener("click", () => {
      const details = document.getElementById(button.getAttribute("aria-controls"));
      details.hidden = !details.hidden;
      button.ariaExpanded = String(!details.hidden);
    });
  }

  // Filters: references and the baseline are always there, and ranks are those among what is chosen.

  const filter = document.getElementById("filter");
  const choices = all("select.filter");
  const board = document.getElementById("board");
  const bodies = [...board.tBodies].filter((body) => !body.classList.contains("reference"));
  const budgets = all("#budget option").map((option) => option.value);

  function fits(body, { value, dataset: { field } }) {
    const own = body.dataset[field];
    if (value === "" || own === value) return true;
    return field === "budget" && budgets.includes(own) && budgets.indexOf(own) < budgets.indexOf(value);
  }

  function narrow() {
    const wanted = filter.value.trim().toLowerCase();
    const among = bodies.filter((body) => choices.every((choice) => fits(body, choice)));
    for (const body of bodies) {
      const there = among.includes(body) || "always" in body.dataset;
      body.hidden = !(there && valueOf(body, 1).toLowerCase().includes(wanted));
    }
    for (const { dataset: own, rows } of bodies.filter((body) => body.dataset.rank)) {
      const before = among.filter(({ dataset: { track, rank } }) => track === own.track && rank - own.rank < 0);
      const cell = rows[0].cells[0];
      cell.textContent = cell.dataset.value = 1 + before.length;
    }
    const shown = bodies.filter((body) => !body.hidden).length;
    document.getElementById("found").textContent = `${shown} of ${bodies.length} agents`;
  }

  for (const control of [filter, ...choices]) control.addEventListener("input", narrow);
  narrow(); // a browser that goes back keeps what was chosen

  // Pictures: still, until somebody wants them to move.

  for (const button of all("button.play")) {
    const image = button.closest("figure").querySelector("img");
    button.addEventListener("click", () => {
      const playing = button.ariaPressed !== "true";
      button.ariaPressed = String(playing);
      button.firstChild.textContent = playing ? "Stop" : "Play";
      image.src = `${button.dataset.image}.${playing ? "gif" : "png"}`;
    });
  }

  // Charts: what is switched on lives in the controls, and is handed to the charts as signals.

  const specs = JSON.parse(document.getElementById("charts").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const charts = all(".chart");
  const legends = all(".legend");
  const task = document.getElementById("task");

  function theme() {
    const style = getComputedStyle(document.documentElement);
    const [text, line] = ["--quiet", "--line"].map((name) => style.getPropertyValue(name).trim());
    const axis = { labelColor: text, titleColor: text, gridColor: line, domainColor: line, tickColor: line };
    return {
      background: "transparent",
      font: getComputedStyle(document.body).fontFamily,
      view: { stroke: null },
      axis: { ...axis, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", titlePadding: 10 },
    };
  }

  function update(chart) {
    const legend = legends.find((found) => found.dataset.charts.split(" ").includes(chart.id));
    chart.view.signal("shown", all("input:checked", legend).map((input) => input.value));
    if (chart.id.startsWith("cost-")) chart.view.signal("task", task.value);
    return chart.view.runAsync();
  }

  async function draw() {
    const options = { mode: "vega-lite", renderer: "svg", actions: false, config: theme() };
    await Promise.all(
      charts.map(async (chart) => {
        chart.view?.finalize();
        chart.view = (await vegaEmbed(chart, specs[chart.id], options)).view;
        await update(chart);
      }),
    );
    document.body.dataset.drawn = dark.matches ? "dark" : "light";
  }

  for (const legend of legends) {
    const ids = legend.dataset.charts.split(" ");
    legend.addEventListener("change", () => charts.filter(({ id }) => ids.includes(id)).forEach(update));
  }
  task?.addEventListener("change", () => charts.filter(({ id }) => id.startsWith("cost-")).forEach(update));
  dark.addEventListener("change", draw);
  draw();
})();
