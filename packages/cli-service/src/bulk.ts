import { type BulkTables, type Context, counted } from "@sluice/cli-kit";
import type { Table } from "@sluice/maps/table";
import {
	encapTable,
	natTable,
	protocolName,
	type Rotation,
	rotationTable,
	type Sid,
	type Signing,
	signingFlags,
	signingTable,
	tunnelTable,
	type Verify,
	verifyTable,
} from "@sluice/maps/tables";
import {
	countSigningAgain,
	keysOf,
	openServiceTables,
	otherKey,
	phaseOf,
	rankOfSid,
	removeTraffic,
	type Service,
	type ServiceTables,
} from "@sluice/tunnel";
import { keysShown } from "./commands/arguments.js";
import { set } from "./commands/set.js";
import { plainKey } from "./format.js";

/** How services are batched, saved and restored. */
export const bulk: BulkTables<{ service: Service }, Sid, Verify> = {
	table: verifyTable,
	set,
	rank: rankOfSid,
	setWords: ({ service, group }, { key, tunnel, proxy, backend }) => [
		"set",
		String(service),
		String(group),
		protocolName(proxy.proto),
		proxy.address.toString(),
		String(proxy.port),
		backend.address.toString(),
		String(backend.port),
		String(tunnel),
		plainKey(key),
	],
	shown: (words, context) => [
		...words.slice(0, -1),
		keysShown(false, context) === plainKey
			? (words.at(-1) as string)
			: "(hidden)",
	],
	setOptions(sid, context, hidden) {
		const { rotations, signings } = besideOf(context);
		const row = rotations.get(rankOfSid(sid));
		const signing = signings.get(rankOfSid(sid));
		const isHidden = hidden && keysShown(false, context) !== plainKey;
		const keyText = (key: Buffer) => (isHidden ? "(hidden)" : plainKey(key));
		const options: string[] = [];
		if (signing) options.push(`--signing-key=${keyText(signing.key)}`);
		if (signing && signing.flags & signingFlags.required)
			options.push("--require-signed");
		const verify = row && context.openTable(verifyTable).get(sid);
		if (!verify) return options;
		const { key, signing: otherSigning } = keysOf(otherKey(verify, row));
		const name = phaseOf(verify, row) === "prepared" ? "next-key" : "old-key";
		return [...options, `--${name}=${keyText(otherSigning ?? key)}`];
	},
	beside: [rotationTable, signingTable],
	delWords: ({ service, group }) => ["del", String(service), String(group)],
	saveNote: "with the keys, so it is as secret as they are",
	// The lines run on empty tables, so that services may exchange their endpoints.
	restoring(context) {
		for (const table of [verifyTable, encapTable, natTable] as const)
			context.openTable<unknown, unknown>(table).clear();
		const rotated = new Set<number>();
		const used = new Set<number>();
		return {
			line({ service: { sid, other, tunnel } }) {
				used.add(tunnel);
				if (other) rotated.add(rankOfSid(sid));
			},
			end() {
				const tables = openServiceTables(context);
				for (const [sid] of [...tables.rotation.entries()])
					if (!rotated.has(rankOfSid(sid))) tables.rotation.delete(sid);
				countSigningAgain(tables);
				const services = context.openTable(verifyTable).differences();
				for (const { key: sid, before, after } of services)
					if (before && before.tunnel !== after?.tunnel)
						removeTraffic(tables, { sid, tunnel: before.tunnel });
				reportLost(context, tables, used);
			},
		};
	},
};

/** By `rankOfSid`. */
interface Beside {
	rotations: Map<number, Rotation>;
	signings: Map<number, Signing>;
}

const known = new WeakMap<Context, Beside>();

/** All rotations and signing keys: read once, for there may be a hundred thousand services and few of these. */
function besideOf(context: Context): Beside {
	let beside = known.get(context);
	if (!beside) {
		const all = <V>(table: Table<Sid, V>) =>
			new Map(
				[...context.openTable(table, { readOnly: true }).entries()].map(
					([sid, row]) => [rankOfSid(sid), row],
				),
			);
		beside = { rotations: all(rotationTable), signings: all(signingTable) };
		known.set(context, beside);
	}
	return beside;
}

/** Says which services have a tunnel that is not set. @param used the tunnels of the services */
function reportLost(
	context: Context,
	{ verify }: ServiceTables,
	used: Iterable<number>,
): void {
	const tunnels = context.openTable(tunnelTable, { readOnly: true });
	const missing = new Set(
		[...used].filter((tunnel) => tunnels.get(tunnel) === undefined),
	);
	if (missing.size === 0) return;
	const lost = [...verify.entries()]
		.filter(([, { tunnel }]) => missing.has(tunnel))
		.sort(([a], [b]) => rankOfSid(a) - rankOfSid(b));
	const [first] = lost;
	if (!first) return;
	const [{ service, group }, { tunnel }] = first;
	context.warn(
		`${counted(lost.length, "service")} without a tunnel, service ${service} ${group} among them: tunnel ${tunnel} is not set`,
	);
}
