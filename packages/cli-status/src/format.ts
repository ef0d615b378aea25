import { ageText, aligned, type Context } from "@sluice/cli-kit";
import { endpointText } from "@sluice/maps/address";
import type { Overview, Rates } from "@sluice/overview";
import { reasons } from "@sluice/tunnel/reasons";

/** Rows of tunnels and of services that one screen has room for. */
const MOST = 8;

export function lines(context: Context, overview: Overview): string[] {
	const { role, time, seconds } = overview;
	return [
		`${role}, ${time.slice(0, 19).replace("T", " ")} UTC, rates over ${seconds} s`,
		"",
		...programs(context, overview),
		"",
		...tunnels(context, overview),
		"",
		...services(overview),
		"",
		...drops(context, overview),
		"",
		...findings(context, overview),
	];
}

const programs = (context: Context, { programs: rows }: Overview) =>
	rows.length === 0
		? [context.red("programs: none is attached")]
		: table(
				["program", "interface", "direction", "flags"],
				rows.map((row) => [
					String(row.programId),
					row.interface,
					row.direction,
					row.flags === null ? "no row" : row.flags.join(","),
				]),
				1,
			);

const rateHead = ["packets/s in", "bytes/s in", "packets/s out", "bytes/s out"];

const rateCells = ({ packetsIn, bytesIn, packetsOut, bytesOut }: Rates) =>
	[packetsIn, bytesIn, packetsOut, bytesOut].map((rate) =>
		String(Math.round(rate)),
	);

function tunnels(context: Context, overview: Overview): string[] {
	const rows = overview.tunnels.slice(0, MOST);
	const [head = "", ...rest] = table(
		["tunnel", "local", "remote", "", "last ping", ...rateHead],
		rows.map(({ id, local, remote, learned, lastPingAge, perSecond }) => [
			String(id),
			local,
			remote ?? "not known yet",
			learned ? "learned" : remote === null ? "" : "set",
			lastPingAge === null ? "none" : `${ageText(lastPingAge)} ago`,
			...rateCells(perSecond),
		]),
		1,
		5,
	);
	return [
		head,
		...rest.map((line, i) =>
			rows[i]?.remote === null ? context.red(line) : line,
		),
		...more(
			overview.tunnels.length - rows.length + overview.tunnelsOmitted,
			"tunnels",
		),
	];
}

function services(overview: Overview): string[] {
	const rows = overview.services.slice(0, MOST);
	return [
		...table(
			["service", "proxy", "backend", "tunnel", ...rateHead],
			rows.map((row) => [
				`${row.service} ${row.group}`,
				`${row.protocol} ${endpointText(row.proxy.address, row.proxy.port)}`,
				`${row.protocol} ${endpointText(row.backend.address, row.backend.port)}`,
				String(row.tunnel),
				...rateCells(row.perSecond),
			]),
			0,
			3,
		),
		...more(
			overview.services.length - rows.length + overview.servicesOmitted,
			"services",
		),
	];
}

const more = (count: number, noun: string) =>
	count > 0 ? [`and ${count} more ${noun}`] : [];

function drops(
	context: Context,
	{ drops: { seconds, counts, totals } }: Overview,
): string[] {
	const title = `dropped in the last ${Math.round(seconds)} s`;
	const all = totals
		.map(({ direction, outcome, packets }) =>
			[packets, direction, outcome].join(" "),
		)
		.join(", ");
	const since = all === "" ? [] : [`dropped since the counters began: ${all}`];
	if (counts.length === 0) return [`${title}: none`, ...since];
	const rows = counts.map(({ direction, outcome, packets }) => [
		direction,
		outcome,
		String(packets),
		reasons[outcome],
	]);
	return [
		`${title}:`,
		...aligned(rows, [false, false, true]).map((line) => context.red(line)),
		...since,
	];
}

function findings(
	context: Context,
	{ findings: found, doctorFailed }: Overview,
): string[] {
	if (found === null)
		return [
			doctorFailed === null
				? "cli_doctor: not looked yet"
				: `cli_doctor did not run: ${doctorFailed}`,
		];
	if (found.length === 0) return ["cli_doctor: 0 findings"];
	return found.flatMap(({ code, message, fix, question }) => [
		context.red(`${code}: ${message}`),
		...(fix === undefined ? [] : [`\tmend: ${fix}`]),
		...(question === undefined ? [] : [`\task: ${question}`]),
	]);
}

/** Numbers stand to the right: the first `left` columns, and those from `from` on. */
const table = (
	head: readonly string[],
	rows: readonly string[][],
	left: number,
	from = head.length,
) =>
	aligned(
		[head, ...rows],
		head.map((_, i) => i < left || i >= from),
	);
