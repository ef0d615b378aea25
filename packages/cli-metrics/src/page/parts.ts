import { ageText } from "@sluice/cli-kit";
import { endpointText } from "@sluice/maps/address";
import type { Overview, Point, Rates } from "@sluice/overview";
import { reasons } from "@sluice/tunnel/reasons";
import { chart } from "./chart.js";
import { type Html, html, type Part } from "./html.js";
import { short } from "./numbers.js";
import { topology } from "./topology.js";

/** The parts of the page that change, by the id of the element that holds each. */
export function parts(
	overview: Overview,
	points: readonly Point[],
): Readonly<Record<string, Html>> {
	const { role, programs, time } = overview;
	return {
		role: html`${role}`,
		time: html`${time.slice(0, 19).replace("T", " ")} UTC`,
		topology: topology(overview),
		chart: chart(points),
		findings: findings(overview),
		drops: drops(overview),
		tunnels: tunnels(overview),
		services: services(overview),
		programs: table(
			["interface", "direction", "program", "flags"],
			programs.map(({ interface: device, direction, programId, flags }) => [
				device,
				direction,
				programId,
				flags === null ? "no row" : flags.join(","),
			]),
		),
	};
}

const table = (
	head: readonly string[],
	rows: readonly (readonly Part[])[],
): Html =>
	rows.length === 0
		? html`<p class="dim">none</p>`
		: html`<table><thead><tr>${head.map((name) => html`<th>${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>`;

const rateHead = ["packets/s in", "bytes/s in", "packets/s out", "bytes/s out"];

const rateCells = ({ packetsIn, bytesIn, packetsOut, bytesOut }: Rates) =>
	[packetsIn, bytesIn, packetsOut, bytesOut].map(short);

const more = (count: number, noun: string) =>
	count > 0 ? html`<p class="dim">and ${count} more ${noun}</p>` : "";

const tunnels = ({ tunnels: rows, tunnelsOmitted }: Overview) =>
	html`${table(
		["tunnel", "local", "remote", "", "last ping", ...rateHead],
		rows.map(({ id, local, remote, learned, lastPingAge, perSecond }) => [
			id,
			local,
			remote ?? html`<b class="bad">not known yet</b>`,
			learned ? "learned" : remote === null ? "" : "set",
			lastPingAge === null ? "none" : `${ageText(lastPingAge)} ago`,
			...rateCells(perSecond),
		]),
	)}${more(tunnelsOmitted, "tunnels")}`;

const services = ({ services: rows, servicesOmitted }: Overview) =>
	html`${table(
		["service", "group", "proxy", "backend", "tunnel", ...rateHead],
		rows.map((row) => [
			row.service,
			row.group,
			`${row.protocol} ${endpointText(row.proxy.address, row.proxy.port)}`,
			`${row.protocol} ${endpointText(row.backend.address, row.backend.port)}`,
			row.tunnel,
			...rateCells(row.perSecond),
		]),
	)}${more(servicesOmitted, "services")}`;

const drops = ({ drops: { seconds, counts } }: Overview) =>
	html`<p class="dim">in the last ${Math.round(seconds)} s, by the tunnel programs</p>${table(
		["direction", "outcome", "packets", ""],
		counts.map(({ direction, outcome, packets }) => [
			direction,
			html`<b class="bad">${outcome}</b>`,
			packets,
			reasons[outcome],
		]),
	)}`;

function findings({ findings: found, doctorFailed }: Overview): Html {
	if (found === null)
		return html`<p class="dim">${doctorFailed === null ? "cli_doctor has not run yet" : `cli_doctor did not run: ${doctorFailed}`}</p>`;
	if (found.length === 0) return html`<p class="good">none</p>`;
	return html`<ul>${found.map(
		({ code, message, fix, question }) =>
			html`<li><b class="bad">${code}</b> ${message}${fix === undefined ? "" : html`<pre>${fix}</pre>`}${question === undefined ? "" : html`<p>${question}</p>`}</li>`,
	)}</ul>`;
}
