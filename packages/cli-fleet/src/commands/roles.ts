import { badInput, command } from "@sluice/cli-kit";
import { machineName } from "@sluice/machine";
import { openStore, storeArgs, storeOptions } from "./options.js";

export const roles = command({
	usage: "roles [<machine>...]",
	summary: "Show or create the machines' users and roles in etcd",
	positionals: {
		machine: "The name of a machine; all that were pushed",
	},
	options: {
		apply: {
			type: "boolean",
			describe: "Create what is missing; the user of the certificate is root",
		},
		...storeOptions,
	},
	examples: [
		["roles gw1 n7", "Show them, with the ranges of keys"],
		["roles gw1 n7 --apply", "Create them, before the first push"],
	],
	parse: (args, env) => ({
		machines: args.list("machine").map((name) => machineName("machine", name)),
		apply: args.flag("apply"),
		store: storeArgs(args, env),
	}),
	kernel: false,
	async run({ machines, apply, store }, context) {
		const { applyRoles, rolesOf } = await import("../etcd/roles.js");
		const etcd = await openStore(store);
		try {
			const names =
				machines.length > 0
					? machines
					: [...(await etcd.list(store.paths.names)).rows.keys()];
			if (names.length === 0)
				throw badInput(
					"no machine was pushed yet; name those that are to come",
				);
			const wanted = rolesOf(store.paths, names);
			const created = apply ? await applyRoles(etcd, wanted) : [];
			context.print(
				() =>
					apply
						? created.length > 0
							? created.map((what) => `created ${what}`)
							: ["nothing was missing"]
						: wanted.flatMap(({ role, user, ranges }) => [
								`${role}${user ? ` (user ${user})` : ""}`,
								...ranges.map(
									({ from, to, access }) => `  ${access} ${from} to ${to}`,
								),
							]),
				() => (apply ? { created } : { roles: wanted }),
			);
		} finally {
			etcd.close();
		}
	},
});
