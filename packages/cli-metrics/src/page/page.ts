import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { Html, html } from "./html.js";

/** Replaces changed parts; the browser reconnects by itself. */
const SCRIPT = `new EventSource("events").onmessage = ({ data }) => {
	for (const [id, text] of Object.entries(JSON.parse(data))) {
		const element = document.getElementById(id);
		if (element.innerHTML !== text) element.innerHTML = text;
	}
	document.documentElement.dataset.live = "yes";
};`;

const STYLE = `:root { color-scheme: light dark; --text: #1c2430; --dim: #5c6675; --back: #f6f7f9; --card: #fff;
	--edge: #d5dae2; --good: #137a4b; --old: #9a6200; --bad: #b3261e; --in: #1f6feb; --out: #8250df; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ee; --dim: #9aa5b4; --back: #10151c; --card: #18202a;
	--edge: #303b49; --good: #4cc38a; --old: #e0a43a; --bad: #ff7b72; --in: #58a6ff; --out: #bc8cff; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--back); }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); }
header, section { background: var(--card); border: 1px solid var(--edge); border-radius: 8px; padding: .75rem 1rem; }
header { margin-bottom: 1rem; display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; }
h1 { font-size: 1.2rem; margin: 0; } h2 { font-size: 1rem; margin: 0 0 .5rem; }
section > div { overflow-x: auto; } .wide { grid-column: 1 / -1; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .2rem .8rem .2rem 0; white-space: nowrap; }
th { color: var(--dim); font-weight: 500; } td { font-variant-numeric: tabular-nums; border-top: 1px solid var(--edge); }
#drops td:last-child { white-space: normal; min-width: 14rem; }
p { margin: .25rem 0; } ul { margin: 0; padding-left: 1.1rem; } li { margin-bottom: .5rem; }
pre { margin: .25rem 0; padding: .4rem .6rem; background: var(--back); border-radius: 6px; overflow-x: auto; }
.dim { color: var(--dim); fill: var(--dim); } .good { color: var(--good); } .bad { color: var(--bad); }
svg { width: 100%; display: block; } #topology svg { min-width: 44rem; }
svg text { fill: var(--text); font-size: 13px; } svg text.dim { fill: var(--dim); font-size: 12px; } .label { text-anchor: middle; }
.box { fill: var(--back); stroke: var(--edge); } .here { stroke: var(--in); stroke-width: 2; }
.way { stroke: var(--edge); } .tunnel { fill: none; stroke-width: 3; stroke: var(--good); }
.old .tunnel { stroke: var(--old); } .bad .tunnel { stroke: var(--bad); stroke-dasharray: 6 5; }
polyline { fill: none; stroke-width: 1.5; } .in { stroke: var(--in); } .out { stroke: var(--out); }
.key-in { color: var(--in); } .key-out { color: var(--out); }`;

const hash = (text: string) =>
	`'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Only the page's own script and style, and events of the same origin. */
export const contentSecurityPolicy = [
	"default-src 'none'",
	`script-src ${hash(SCRIPT)}`,
	`style-src ${hash(STYLE)}`,
	"connect-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
].join("; ");

/** The whole page, as it is now. @param parts by the id of the element that holds each */
export function page(parts: Readonly<Record<string, Html>>): string {
	const section = (title: string, id: string, wide = false, note?: Html) =>
		html`<section${new Html(wide ? ' class="wide"' : "")}><h2>${title}</h2>${note}<div id="${id}">${parts[id]}</div></section>`;
	return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice on ${hostname()}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header><h1>Sluice on ${hostname()}</h1><span id="role">${parts.role}</span><span id="time" class="dim">${parts.time}</span></header>
<main>
${section("Topology", "topology", true)}
${section("Findings", "findings")}
${section("Drops", "drops")}
${section("Packets in a second", "chart", false, html`<p><span class="key-in">out of the tunnels</span>, <span class="key-out">into the tunnels</span></p>`)}
${section("Programs", "programs")}
${section("Tunnels", "tunnels", true)}
${section("Services", "services", true)}
</main>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`.text;
}
