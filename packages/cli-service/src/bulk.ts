import { type BulkTables, type Context, counted } from "@sluice/cli-kit";
import {
	encapTable,
	natTable,
	protocolName,
	type Rotation,
	rotationTable,
	type Sid,
	tunnelTable,
	type Verify,
	verifyTable,
} from "@sluice/maps/tables";
import {
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
		proxy.address,
		String(proxy.port),
		backend.address,
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
		const row = rotationsOf(context).get(rankOfSid(sid));
		const verify = row && context.openTable(verifyTable).get(sid);
		if (!verify) return [];
		const { key } = otherKey(verify, row);
		const name = phaseOf(verify, row) === "prepared" ? "next-key" : "old-key";
		const isHidden = hidden && keysShown(false, context) !== plainKey;
		return [`--${name}=${isHidden ? "(hidden)" : plainKey(key)}`];
	},
	beside: [rotationTable],
	delWords: ({ service, group }) => ["del", String(service), String(group)],
	saveNote: "with the keys, so it is as secret as they are",
	// The lines are carried out on empty tables, so that services may exchange what they have.
	restoring(context) {
		const before = [...context.openTable(verifyTable).entries()];
		for (const table of [verifyTable, encapTable, natTable] as const)
			context.openTable<unknown, unknown>(table).clear();
		const rotated = new Set<number>();
		return {
			line({ service: { sid, other } }) {
				if (other) rotated.add(rankOfSid(sid));
			},
			end() {
				const tables = openServiceTables(context);
				for (const [sid] of [...tables.rotation.entries()])
					if (!rotated.has(rankOfSid(sid))) tables.rotation.delete(sid);
				for (const [sid, { tunnel }] of before)
					if (tables.verify.get(sid)?.tunnel !== tunnel)
						removeTraffic(tables, { sid, tunnel });
				reportLost(context, tables);
			},
		};
	},
};

const rotations = new WeakMap<Context, Map<number, Rotation>>();

/** All rotations, by `rankOfSid`: read once, for there may be a hundred thousand services and rarely a rotation. */
function rotationsOf(context: Context): Map<number, Rotation> {
	let known = rotations.get(context);
	if (!known) {
		const table = context.openTable(rotationTable, { readOnly: true });
		known = new Map(
			[...table.entries()].map(([sid, row]) => [rankOfSid(sid), row]),
		);
		rotations.set(context, known);
	}
	return known;
}

/** Says which services have a tunnel that is not set. */
function reportLost(context: Context, { verify }: ServiceTables): void {
	const tunnels = context.openTable(tunnelTable, { readOnly: true });
	const lost = [...verify.entries()]
		.filter(([, { tunnel }]) => tunnels.get(tunnel) === undefined)
		.sort(([a], [b]) => rankOfSid(a) - rankOfSid(b));
	const [first] = lost;
	if (!first) return;
	const [{ service, group }, { tunnel }] = first;
	context.warn(
		`${counted(lost.length, "service")} without a tunnel, service ${service} ${group} among them: tunnel ${tunnel} is not set`,
	);
}
