import type { SocketInfo } from "@sluice/maps";
import { endpointText } from "@sluice/maps/address";
import { domainOf, isMptcp, protocolOf } from "./fitness.js";

/** "descriptor 7 (ipv4 tcp 127.0.0.1:80)". */
export const socketText = ({
	number,
	info,
}: {
	number: number;
	info: SocketInfo;
}) => `descriptor ${number} (${describe(info)})`;

function describe(info: SocketInfo): string {
	const family = domainOf(info) ?? families[info.domain];
	const { local } = info;
	return [
		family ?? `family ${info.domain}`,
		isMptcp(info) ? "mptcp" : (protocolOf(info) ?? info.type),
		...(local ? [endpointText(local.address, local.port)] : []),
	].join(" ");
}

const families: Record<number, string> = { 1: "unix", 16: "netlink" };
