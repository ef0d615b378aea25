import { join } from "node:path";
import { configTable, tunnelTable } from "@sluice/maps/tables";
import { defaultDevice } from "./device-for.js";
import { script } from "./scripts.js";
import { quoted } from "./shell.js";
import type { World } from "./world.js";

/** The command that gives the tables twice the room. Programs are attached first where none is. */
export async function larger(
	world: World,
	name: string,
	maxEntries: number,
): Promise<string> {
	if (name === configTable.name) return deleteGone(world);
	const migrate = `${script(world, "reattach_tc.sh")} --migrate --entries ${2 * base(world, maxEntries)}`;
	if ((await world.attached()).length > 0) return migrate;
	const device = quoted((await defaultDevice(world)) ?? "INTERFACE");
	return `${script(world, "attach_tc.sh")} ${device} && ${migrate}`;
}

/** How many tunnels there is room for; tables with a row for either direction have twice as many. */
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

/** More rows than a machine has interfaces are rows of deleted interfaces. */
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
