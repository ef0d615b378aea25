import { BlockList, isIPv4 } from "node:net";

/** Whether an address is in the prefix of an interface's own one. */
export function isInPrefix(
	address: string,
	own: string | undefined,
	length: number | undefined,
): boolean {
	if (own === undefined || length === undefined) return false;
	const family = isIPv4(own) ? "ipv4" : "ipv6";
	const prefix = new BlockList();
	prefix.addSubnet(own, length, family);
	return prefix.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}
