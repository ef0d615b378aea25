import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Kernel } from "@sluice/cli-kit";
import { isBpffs } from "@sluice/maps/bpffs";
import { mapsOf } from "@sluice/tunnel/hooks";
import { attaching } from "../attaching.js";
import { defaultDevice } from "../device-for.js";
import type { Check } from "../finding.js";
import { script } from "../scripts.js";
import { quoted } from "../shell.js";
import { CannotLook, type World } from "../world.js";

/** The first attaching pins the tables; without them the tools have nothing to write to. */
export const pinned: Check = {
	name: "pinned tables",
	async look(world) {
		if (world.isPinned) return [];
		if (!isBpffs(world.bpffs)) throw new CannotLook("no bpffs");
		if (isHidden(world.pins))
			throw new CannotLook(`no rights to ${world.pins}`);
		return [
			{
				code: "tables-missing",
				message: `no tables are pinned in ${world.pins}`,
				...attaching(world, await defaultDevice(world)),
			},
		];
	},
};

/** The directories of the pins are root's alone. */
function isHidden(directory: string): boolean {
	try {
		readdirSync(directory);
		return false;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EACCES";
	}
}

/** Characters of a map's name that the kernel keeps. */
const KEPT = 15;

/** How the names of pinned maps begin: caches are private to a program. */
const SHARED = "map_";

/** A program with other tables than the pinned ones does not see the rows that commands write. */
export const split: Check = {
	name: "tables of attached programs",
	async look(world) {
		const attached = await world.attached();
		if (attached.length === 0 || !world.isPinned) return [];
		const kernel = world.rights;
		const ids = pinnedIds(kernel, world);
		return attached.flatMap(({ device, direction, programId }) => {
			const others = mapsOf(kernel, programId).filter(
				({ name, id }) => name.startsWith(SHARED) && ids.get(name) !== id,
			);
			if (others.length === 0) return [];
			const reattach = `${script(world, "reattach_tc.sh")} ${quoted(device)} ${direction}`;
			const names = others.map(({ name }) => name).join(", ");
			return [
				{
					code: "tables-split",
					message: `program ${programId} on ${device} ${direction} has tables of its own in place of the pinned ones: ${names}`,
					question: `which entries are meant? the pinned ones: ${reattach} --drop-live; the program's: rm -r ${quoted(world.pins)} && ${reattach}`,
				},
			];
		});
	},
};

/** The name that the kernel keeps of a pinned map → its id. */
function pinnedIds(kernel: Kernel, { pins }: World): Map<string, number> {
	const ids = new Map<string, number>();
	for (const name of readdirSync(pins)) {
		const map = kernel.openPin(join(pins, name), { readOnly: true });
		try {
			const info = kernel.mapInfo(map);
			ids.set(name.slice(0, KEPT), info.id);
		} finally {
			kernel.close(map);
		}
	}
	return ids;
}
