/// How the page looks: by day and by night, on a desk, on a phone and on paper.
enum PageStyle {
  /// The two directions are told apart by people who see few colours as well: a dark blue and a
  /// light orange, and the other way round by night.
  static let sheet: Markup = """
    :root {
      color-scheme: light dark;
      --page: #f6f7f9; --card: #ffffff; --line: #e3e6eb; --ink: #1b2330; --soft: #5b6675;
      --down: #2f62c9; --up: #e8963a; --near: #a86200; --over: #c0262d; --track: #eceff3;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #12161d; --card: #1b212b; --line: #2d3644; --ink: #e7ebf1; --soft: #9aa6b6;
        --down: #7ba7ff; --up: #d98a2b; --near: #f0b04f; --over: #ff7b80; --track: #2a3240;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 64rem; background: var(--page);
      color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
        sans-serif; font-variant-numeric: tabular-nums;
    }
    h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; overflow-wrap: anywhere; }
    h2 { margin: 0 0 .75rem; font-size: 1.1rem; }
    p { margin: 0; }
    header p, footer p, .more, .tile p, .legend { color: var(--soft); }
    header { margin-bottom: 1.5rem; }
    footer { margin-top: 1.5rem; font-size: .85rem; }
    section { margin-bottom: 1.25rem; }
    section:not(.tiles), .tile {
      padding: 1.1rem 1.25rem; background: var(--card); border: 1px solid var(--line);
      border-radius: .75rem;
    }
    .tiles { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); }
    .tile h2 { margin: 0; font-size: .9rem; font-weight: 500; color: var(--soft); }
    .tile p { font-size: .85rem; }
    .tile .figure { font-size: 1.7rem; font-weight: 650; line-height: 1.3; color: var(--ink);
      overflow-wrap: anywhere; }
    .legend { margin-bottom: .5rem; font-size: .85rem; }
    .key { display: inline-block; width: .75rem; height: .75rem; margin: 0 .25rem 0 .5rem;
      border-radius: .15rem; vertical-align: -.05rem; }
    .key:first-child { margin-left: 0; }
    .key.down { background: var(--down); }
    .key.up { background: var(--up); }
    .chart { padding-left: 4.5rem; }
    .plot { position: relative; height: 15rem; margin-top: .75rem;
      border-bottom: 1px solid var(--soft); }
    .plot svg { display: block; width: 100%; height: 100%; overflow: visible; }
    .plot line { stroke: var(--line); vector-effect: non-scaling-stroke; }
    .plot .all { fill: transparent; }
    .dense rect { shape-rendering: crispEdges; }
    .plot g:hover .all { fill: var(--track); }
    .tick { position: absolute; right: calc(100% + .6rem); font-size: .75rem; line-height: 1;
      color: var(--soft); white-space: nowrap; transform: translateY(50%); }
    .dates { position: relative; height: 1.6rem; overflow: hidden; }
    .dates span { position: absolute; top: .4rem; font-size: .75rem; line-height: 1;
      color: var(--soft); white-space: nowrap; transform: translateX(-50%); }
    svg .down { fill: var(--down); }
    svg .up { fill: var(--up); }
    svg .near { fill: var(--up); }
    svg .over { fill: var(--over); }
    svg .track { fill: var(--track); }
    table { width: 100%; border-collapse: collapse; font-size: .92rem; }
    th { font-weight: 500; color: var(--soft); }
    th, td { padding: .4rem .5rem; border-bottom: 1px solid var(--line); text-align: right;
      white-space: nowrap; vertical-align: baseline; }
    tbody tr:last-child td { border-bottom: 0; }
    th:first-child, td:first-child { padding-left: 0; }
    th:last-child, td:last-child { padding-right: 0; }
    .name, .text { text-align: left; white-space: normal; overflow-wrap: anywhere; }
    td.name { font-weight: 550; min-width: 7rem; }
    td.name bdi { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
      overflow: hidden; }
    span.over { color: var(--over); font-weight: 600; }
    span.near { color: var(--near); }
    .meter { width: 24%; }
    .meter svg { display: block; width: 100%; height: .55rem; border-radius: .28rem; }
    .tile svg { display: block; width: 100%; height: .55rem; margin-top: .4rem;
      border-radius: .28rem; }
    .more { padding-top: .6rem; font-size: .9rem; }
    @media (max-width: 40rem) {
      body { padding: 1.25rem .75rem 2rem; }
      .wide { display: none; }
      .tiles { grid-template-columns: 1fr 1fr; gap: .6rem; }
      section:not(.tiles), .tile { padding: .8rem; border-radius: .6rem; }
      .tile .figure { font-size: 1.25rem; }
      .chart { padding-left: 3.6rem; }
      .plot { height: 11rem; }
      .dates .other { display: none; }
      .meter { width: 20%; }
      table { font-size: .85rem; }
      td.name { min-width: 5rem; }
    }
    @media print {
      :root {
        color-scheme: light;
        --page: #ffffff; --card: #ffffff; --line: #c9ced6; --ink: #000000; --soft: #444444;
        --down: #2f62c9; --up: #e8963a; --near: #7a4700; --over: #a01018; --track: #eceff3;
      }
      html { font-size: 11px; }
      body { padding: 0; max-width: none; font-size: 1rem; }
      .tiles { grid-template-columns: repeat(4, 1fr); }
      section, tr { break-inside: avoid; }
      section:has(table) { break-inside: auto; }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
    }
    """
}
