import { command, counted, Failure, ifExistsOption } from "@sluice/cli-kit";
import {
	deleteAllTunnels,
	deleteTunnel,
	type Opener,
	openTunnelTables,
	usersOf,
} from "@sluice/tunnel";
import { idOrAll, noTunnel } from "./get.js";

export const del = command({
	usage: "del <id>|all",
	summary: "Delete a tunnel, or all",
	positionals: { id: "Tunnel id, 0 to 4294967295, or all" },
	options: {
		force: {
			type: "boolean",
			describe: "Also if services use it",
		},
		...ifExistsOption("tunnel"),
	},
	bulk: "change",
	examples: [
		["del 100", "Delete tunnel 100"],
		["del all", "Delete all tunnels"],
	],
	parse: (args) => ({
		id: idOrAll(args.text("id")),
		force: args.flag("force"),
		ifExists: args.flag("if-exists"),
	}),
	run({ id, force, ifExists }, context) {
		const deleted = context.locked((opener) => {
			const tables = openTunnelTables(opener);
			if (id === "all") return deleteAllTunnels(tables);
			if (!force) refuseWhileUsed(opener, id);
			return deleteTunnel(tables, id) ? [id] : [];
		});
		if (id !== "all" && deleted.length === 0 && !ifExists) throw noTunnel(id);
		context.print(() => [`deleted ${counted(deleted.length, "tunnel")}`], {
			deleted,
		});
	},
});

/** @throws Failure where services use the tunnel */
export function refuseWhileUsed(opener: Opener, id: number): void {
	const users = usersOf(opener, id);
	const first = users[0];
	if (!first) return;
	throw new Failure(
		"failed",
		`tunnel ${id} is used by ${counted(users.length, "service")}, ${first.service} ${first.group} among them`,
		{ code: "IN_USE", hint: "delete them first or use --force" },
	);
}
