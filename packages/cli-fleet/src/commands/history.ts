import { aligned, badInput, command, missing } from "@sluice/cli-kit";
import { countRows } from "../agent/status.js";
import {
	machineArg,
	machinePositional,
	openStore,
	storeArgs,
	storeOptions,
} from "./options.js";
import { printPushed } from "./push.js";

export const history = command({
	usage: "history <machine>",
	summary: "List the generations of a machine for rollback",
	positionals: machinePositional,
	options: storeOptions,
	examples: [["history gw1", "The last ten"]],
	parse: (args, env) => ({
		machine: machineArg(args),
		store: storeArgs(args, env),
	}),
	kernel: false,
	async run({ machine, store }, context) {
		const { listHistory, unpack } = await import("../push/history.js");
		const { currentOf } = await import("../push/push.js");
		const etcd = await openStore(store);
		try {
			const { commit } = await currentOf(etcd, store.paths, machine);
			if (!commit) throw missing(`no machine "${machine}"`);
			const kept = await listHistory(etcd, store.paths, machine);
			const generations = [...kept]
				// Of a push that did not come to its commit.
				.filter(([generation]) => generation <= commit.generation)
				.map(([generation, packed]) => ({
					generation,
					rows: countRows(unpack(packed).keys()),
				}));
			context.print(
				() =>
					aligned([
						["GENERATION", "TUNNELS", "SERVICES", "CONFIG"],
						...generations.map(({ generation, rows }) => [
							String(generation),
							String(rows.tunnels),
							String(rows.services),
							String(rows.config),
						]),
					]),
				() => ({ machine, generations }),
			);
		} finally {
			etcd.close();
		}
	},
});

export const rollback = command({
	usage: "rollback <machine> <generation>",
	summary:
		"Push the rows of an older generation as a new one; the present keys stay",
	positionals: {
		...machinePositional,
		generation: "One that history lists",
	},
	options: storeOptions,
	examples: [["rollback gw1 41", "Back to what was pushed as 41"]],
	parse(args, env) {
		const text = args.text("generation");
		if (!/^[1-9]\d{0,15}$/.test(text))
			throw badInput(`generation must be a number, got "${text}"`);
		return {
			machine: machineArg(args),
			generation: Number(text),
			store: storeArgs(args, env),
		};
	},
	kernel: false,
	async run({ machine, generation, store }, context) {
		const { rowsOfGeneration } = await import("../push/history.js");
		const { currentOf, push } = await import("../push/push.js");
		const { paths } = store;
		const etcd = await openStore(store);
		try {
			const current = await currentOf(etcd, paths, machine);
			const rows = await rowsOfGeneration(etcd, paths, machine, generation);
			// A key that was rotated since is the one that the other end has.
			for (const key of rows.keys()) {
				const now = current.rows.get(key);
				if (key.startsWith("keys/") && now !== undefined) rows.set(key, now);
			}
			const pushed = await push(etcd, paths, machine, current, rows, {
				mostDeletes: { percent: 100 },
				allowEmpty: true,
			});
			printPushed([pushed], {}, context);
		} finally {
			etcd.close();
		}
	},
});
