import { isIPv6 } from "node:net";
import { deviceFor } from "../device-for.js";
import type { Check, Finding } from "../finding.js";
import { quoted } from "../shell.js";

/** What is sent to an address that this machine does not have never comes here. */
export const localAddress: Check = {
	name: "local endpoints",
	async look(world) {
		const findings = new Map<string, Finding>();
		for (const [id, { local }] of world.tunnels()) {
			if (findings.has(local) || (await world.isLocal(local))) continue;
			const device = await deviceFor(world);
			const add = `ip address add ${local}/${isIPv6(local) ? "128" : "32"} dev ${quoted(device ?? "INTERFACE")}${isIPv6(local) ? " nodad" : ""}`;
			findings.set(local, {
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
