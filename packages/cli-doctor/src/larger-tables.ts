import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { configTable, tunnelTable } from "@sluice/maps/tables";
import { defaultDevice } from "./device-for.js";
import { script } from "./scripts.js";
import { onPath, quoted } from "./shell.js";
import type { World } from "./world.js";

/** Those that have the tables; the other programs stay as they are. */
const objects = "dist/pfc_ingress_tc.o dist/pfc_egress_tc.o";

const clis = ["cli_cfg", "cli_tunnel", "cli_service"] as const;

/**
 * The command that gives the tables twice the room: the size is in the objects, so they are compiled again, and the
 * entries are put away meanwhile.
 */
export async function larger(
	world: World,
	name: string,
	maxEntries: number,
): Promise<string> {
	if (name === configTable.name) return deleteGone(world);
	const devices = new Set(
		(await world.attached()).map(({ device }) => quoted(device)),
	);
	const device = await defaultDevice(world);
	if (devices.size === 0) devices.add(quoted(device ?? "INTERFACE"));
	const sources = quoted(bpfSources(world));
	const detach = script(world, "detach_tc.sh");
	const attach = script(world, "attach_tc.sh");
	// The programs of all interfaces share the tables: they go with the last.
	const last = [...devices].at(-1);
	return [
		`make -C ${sources} TABLE_ENTRIES=${2 * base(world, maxEntries)} ${objects}`,
		"saved=$(mktemp -d)",
		...clis.map((cli) => `${cli} save >$saved/${cli}`),
		...[...devices].map(
			(device) =>
				`${detach} ${device} --if-exists${device === last ? " --purge" : ""}`,
		),
		...[...devices].map(
			(device) => `SLUICE_BPF_DIR=${sources}/dist ${attach} ${device}`,
		),
		...clis.map((cli) => `${cli} restore --allow-empty $saved/${cli}`),
		"rm -r $saved",
	].join(" && ");
}

/** What TABLE_ENTRIES was: some tables have a row for either direction. */
function base(world: World, otherwise: number): number {
	const kernel = world.rights;
	const map = kernel.openPin(join(world.pins, tunnelTable.name), {
		readOnly: true,
	});
	try {
		return kernel.mapInfo(map).maxEntries || otherwise;
	} finally {
		kernel.close(map);
	}
}

/** Rows for more interfaces than a machine has are those of interfaces that are gone. */
function deleteGone(world: World): string {
	const rows = world.config().map(([{ ifindex }]) => ifindex);
	const indexes = [...new Set(rows)].filter(
		(ifindex) =>
			ifindex !== 0 && world.kernel.interfaceName(ifindex) === undefined,
	);
	return indexes.length === 0
		? "cli_cfg get all"
		: `printf 'del if%d\\n' ${indexes.join(" ")} | cli_cfg batch -`;
}

/** Where the programs' sources are: beside the scripts, in a checkout and in the package that has both. */
function bpfSources({ env }: World): string {
	const attach = onPath("attach_tc.sh", env.vars.PATH);
	const beside = attach && join(realpathSync(attach), "../../bpf");
	return beside && existsSync(join(beside, "Makefile")) ? beside : "bpf";
}
