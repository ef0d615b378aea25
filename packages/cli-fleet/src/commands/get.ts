import { command, missing } from "@sluice/cli-kit";
import { yamlLines } from "@sluice/machine";
import {
	machineArg,
	machinePositional,
	openStore,
	storeArgs,
	storeOptions,
} from "./options.js";

export const get = command({
	usage: "get <machine>",
	summary: "Print a machine's rows in etcd as a document",
	positionals: machinePositional,
	options: {
		"show-keys": {
			type: "boolean",
			describe: "With the keys, without which it cannot be pushed",
		},
		...storeOptions,
	},
	examples: [["get gw1 --show-keys >gw1.yaml", "Change it, and push it again"]],
	parse: (args, env) => ({
		machine: machineArg(args),
		showKeys: args.flag("show-keys"),
		store: storeArgs(args, env),
	}),
	kernel: false,
	async run({ machine, showKeys, store }, context) {
		const { currentOf } = await import("../push/push.js");
		const { documentOf } = await import("../rows/rows.js");
		const etcd = await openStore(store);
		try {
			const { rows, commit } = await currentOf(etcd, store.paths, machine);
			if (!commit) throw missing(`no machine "${machine}"`);
			const document = documentOf(machine, commit.generation, rows, showKeys);
			context.print(
				() =>
					yamlLines(
						{
							config: document.config,
							tunnels: document.tunnels,
							services: document.services,
						},
						machine,
						BigInt(commit.generation),
					),
				document,
			);
		} finally {
			etcd.close();
		}
	},
});
