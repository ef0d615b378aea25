import { deviceFor } from "../device-for.js";
import type { Check, Finding } from "../finding.js";
import { quoted } from "../shell.js";

/** Packets to an address that this machine does not have never arrive. */
export const localAddress: Check = {
	name: "local endpoints",
	async look(world) {
		const findings = new Map<string, Finding>();
		for (const [id, { local }] of world.tunnels()) {
			const name = String(local);
			if (findings.has(name) || (await world.isLocal(local))) continue;
			const device = await deviceFor(world);
			const add = `ip address add ${local}/${local.isIpv4 ? "32" : "128"} dev ${quoted(device ?? "INTERFACE")}${local.isIpv4 ? "" : " nodad"}`;
			findings.set(name, {
				code: "local-address-missing",
				message: `${local}, the local address of tunnel ${id}, is not this machine's`,
				...(device
					? { fix: add }
					: { question: `which interface is to have it? ${add}` }),
			});
		}
		return [...findings.values()];
	},
};
