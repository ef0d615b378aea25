import { ageText } from "@sluice/cli-kit";
import type { Overview, ServiceRow, TunnelRow } from "@sluice/overview";
import { type Html, html } from "./html.js";
import { short } from "./numbers.js";

/** Tunnels, and services of each, that the picture has room for. */
const TUNNELS = 12;
const SERVICES = 4;
const WIDTH = 960;
const ROW = 22;
/** Seconds after which a ping is old: three of cli_tunnel's. */
const OLD = 30;

/** Client, gateway, tunnels, nodes and backends, as far as this machine knows them. */
export function topology(overview: Overview): Html {
	const { role, tunnels, services } = overview;
	const shown = tunnels.slice(0, TUNNELS);
	let height = 16;
	const rows = shown.map((tunnel) => {
		const own = services.filter((row) => row.tunnel === tunnel.id);
		const lines = Math.max(2, Math.min(own.length, SERVICES + 1));
		const y = height;
		height += lines * ROW + 14;
		return { tunnel, own, y, lines };
	});
	const total = Math.max(height, 90);
	const middle = total / 2;
	const isNode = role === "node";
	return html`<svg viewBox="0 0 ${WIDTH} ${total}" role="img" aria-label="client, gateway, tunnels, nodes, backends">
${box(8, middle - 20, 90, 40, ["clients"])}
<line class="way" x1="98" y1="${middle}" x2="150" y2="${middle}"/>
${box(150, middle - 26, 150, 52, isNode ? ["gateway"] : ["gateway", "this machine"], !isNode)}
${rows.map((row) => tunnelRow(row, middle, isNode))}
</svg>`;
}

interface Branch {
	tunnel: TunnelRow;
	own: readonly ServiceRow[];
	y: number;
	lines: number;
}

function tunnelRow(
	{ tunnel, own, y, lines }: Branch,
	from: number,
	isNode: boolean,
): Html {
	const middle = y + (lines * ROW) / 2;
	const { packetsIn, packetsOut } = tunnel.perSecond;
	const node = isNode ? tunnel.local : (tunnel.remote ?? "not known yet");
	return html`<g class="${stateOf(tunnel, isNode)}">
<title>tunnel ${tunnel.id}: ${tunnel.local} to ${tunnel.remote ?? "not known yet"}</title>
<path class="tunnel" d="M300,${from} C370,${from} 340,${middle} 410,${middle} L530,${middle}"/>
<text x="408" y="${middle - 5}">tunnel ${tunnel.id}</text>
<text x="408" y="${middle + 14}" class="dim">${short(packetsIn)} in, ${short(packetsOut)} out /s</text>
${box(530, middle - 20, 190, 40, [`node ${node}`, ...(isNode ? ["this machine"] : [pingText(tunnel)])], isNode)}
</g>
${own.slice(0, SERVICES).map((row, i) => backend(row, middle, y + ROW * i + ROW / 2))}
${own.length > SERVICES ? html`<text x="768" y="${y + ROW * SERVICES + ROW / 2 + 4}" class="dim">and ${own.length - SERVICES} more</text>` : ""}`;
}

const backend = (
	{ protocol, proxy, backend: { address, port } }: ServiceRow,
	from: number,
	y: number,
) => html`<g><title>${protocol} ${proxy.address} port ${proxy.port}</title>
<line class="way" x1="720" y1="${from}" x2="760" y2="${y}"/>
<text x="768" y="${y + 4}">${protocol} ${address}:${port}</text></g>`;

const box = (
	x: number,
	y: number,
	width: number,
	height: number,
	lines: readonly string[],
	isHere = false,
) => html`<rect class="${isHere ? "box here" : "box"}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>
${lines.map(
	(line, i) =>
		html`<text class="${i > 0 ? "label dim" : "label"}" x="${x + width / 2}" y="${y + height / 2 + 4 + (i - (lines.length - 1) / 2) * 16}">${line}</text>`,
)}`;

const pingText = ({ lastPingAge }: TunnelRow) =>
	lastPingAge === null ? "no ping" : `ping ${ageText(lastPingAge)} ago`;

/** A node's own tunnels are not pinged. */
function stateOf({ remote, lastPingAge }: TunnelRow, isNode: boolean): string {
	if (remote === null) return "bad";
	return !isNode && lastPingAge !== null && lastPingAge > OLD ? "old" : "good";
}
