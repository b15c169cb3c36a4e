/** The looks of a report: light and dark, screen and print. */
export const pageStyle = `
:root { color-scheme: light dark; --paper: #fcfcfa; --card: #fff; --ink: #1c1f24; --muted: #646b76; --line: #dfe1e5;
  --bar: #9fb8d8; --beyond: #1f5fae; --null: #c4551b; --moved: #1f5fae; --partly: #8a6100; --same: #59616c; --none: #8b3a8b;
  --bad: #b3261e; --good: #1b7a43 }
@media (prefers-color-scheme: dark) { :root { --paper: #14161a; --card: #1b1e24; --ink: #e6e8ec; --muted: #9aa2ae;
  --line: #31363f; --bar: #44608a; --beyond: #7db1f5; --null: #f09a5c; --moved: #7db1f5; --partly: #e0b341;
  --same: #a3abb7; --none: #d79ad7; --bad: #ff8a80; --good: #6fd196 } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif; max-width: 74rem; margin: 0 auto; padding: 2rem 1.25rem 4rem;
  background: var(--paper); color: var(--ink) }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem } h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere } p { margin: .25rem 0 .75rem; max-width: 48rem }
.muted, figcaption, dt { color: var(--muted) } a { color: inherit }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums; min-width: 40rem }
th, td { text-align: left; padding: .3rem 1.1rem .3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap }
th { font-weight: 600; color: var(--muted) } td.right, th.right { text-align: right } td.name { white-space: normal; overflow-wrap: anywhere }
.tensor { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.1rem; margin: 0 0 1rem; break-inside: avoid }
.tensor header { display: flex; gap: .75rem; align-items: baseline; flex-wrap: wrap }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem 1.25rem; margin-top: .5rem }
figure { margin: 0 } figcaption { font-size: .85rem } figcaption b { color: var(--ink); font-weight: 600 }
.badge { font-weight: 600; font-size: .9rem } .badge::before { content: '\\25cf'; margin-right: .35em }
.moved { color: var(--moved) } .partly { color: var(--partly) } .initialisation { color: var(--same) } .no-null { color: var(--none) }
.passed { color: var(--good) } .failed { color: var(--bad) }
svg { display: block; width: 100%; overflow: visible } svg text { font-size: 11px; fill: var(--muted) }
.bar { fill: var(--bar) } .bar.beyond, .cell { fill: var(--beyond) } .axis { stroke: var(--line) }
.null { fill: none; stroke: var(--null); stroke-width: 1.5; stroke-dasharray: 4 3 }
.threshold { stroke: var(--ink); stroke-width: 1 } svg text.threshold-label { fill: var(--ink) }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem } .spy { height: 9rem; border: 1px solid var(--line); overflow: hidden }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.25rem; margin: .5rem 0 } dd { margin: 0; overflow-wrap: anywhere }
pre { overflow-x: auto; font-size: 13px; line-height: 1.4 }
@media print { body { max-width: none; padding: 0 } }
`;
