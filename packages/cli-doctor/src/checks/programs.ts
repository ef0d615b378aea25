import type { Direction } from "@sluice/maps/tables";
import type { Attached } from "@sluice/tunnel/hooks";
import { defaultDevice } from "../device-for.js";
import type { Check, Finding } from "../finding.js";
import { script } from "../scripts.js";
import { quoted } from "../shell.js";

const directions: readonly Direction[] = ["ingress", "egress"];

/** What TABLE-CONFIG tells a program that is not there is done by nobody. */
export const programs: Check = {
	name: "attached programs",
	async look(world) {
		const attached = await world.attached();
		const interfaces = await world.interfaces();
		const findings = new Map<string, Finding>();
		for (const [{ ifindex, queue }] of world.config()) {
			const direction = directions[queue] ?? "ingress";
			const device = interfaces.find((one) => one.ifindex === ifindex)?.ifname;
			// A row of an interface that is gone is another finding.
			if (ifindex !== 0 && !device) continue;
			const isThere = attached.some(
				(one) =>
					one.direction === direction && (!device || one.device === device),
			);
			if (isThere) continue;
			const where = device ?? (await defaultDevice(world));
			findings.set(`${where} ${direction}`, {
				code: "program-missing",
				message: `there is a config row for ${device ? `${device} ` : ""}${direction}, but ${device ? "no program of ours on it" : "no interface has our program"}`,
				fix: `${script(world, "attach_tc.sh")} ${quoted(where)} ${direction}`,
			});
		}
		return [...findings.values()];
	},
};

/** A second program of ours handles packets that the first has handled already, by its own tables. */
export const duplicates: Check = {
	name: "duplicate programs",
	async look(world) {
		const seen = new Map<string, Attached>();
		return (await world.attached()).flatMap((one) => {
			const hook = `${one.device} ${one.direction}`;
			const first = seen.get(hook);
			if (!first) {
				seen.set(hook, one);
				return [];
			}
			const { pref, chain, handle, protocol } = one;
			return [
				{
					code: "program-duplicate",
					message: `programs ${first.programId} and ${one.programId} on ${hook} are both ours`,
					fix: `tc filter del dev ${quoted(one.device)} ${one.direction} chain ${chain} pref ${pref} protocol ${protocol} handle ${handle} bpf`,
				},
			];
		});
	},
};
