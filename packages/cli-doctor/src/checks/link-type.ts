import { attaching } from "../attaching.js";
import type { Check, Finding } from "../finding.js";

/** The build for devices without an Ethernet header. */
const RAW = /_l3_tc\.o$/;

/** A program that is not made for its device's link layer reads every packet 14 bytes off. */
export const linkType: Check = {
	name: "link layers",
	async look(world) {
		const interfaces = await world.interfaces();
		const findings: Finding[] = [];
		for (const { device, direction, object } of await world.attached()) {
			const type = interfaces.find((one) => one.ifname === device)?.link_type;
			if (!object || !type) continue;
			const isEthernet = type === "ether" || type === "loopback";
			if (isEthernet !== RAW.test(object)) continue;
			findings.push({
				code: "program-link-type",
				message: `${object} is on ${device} ${direction}, which has ${isEthernet ? "an" : "no"} Ethernet header: it reads every packet 14 bytes off`,
				...attaching(world, device, direction),
			});
		}
		return findings;
	},
};
