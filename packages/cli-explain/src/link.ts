import { ask } from "@sluice/iproute";

/** What a program sees of its device's link layer. */
export interface Link {
	/** Frames have an Ethernet header; else packets begin with IP. */
	ethernet: boolean;
	/** Ethernet address, as hex digits; zeros on a device without. */
	address: string;
}

/** @param device a name that exists */
export async function linkOf(device: string): Promise<Link> {
	const answer = await ask<{ link_type?: string; address?: string }>(
		"ip",
		...["link", "show", "dev", device],
	);
	const [row] = "rows" in answer ? answer.rows : [];
	const type = row?.link_type ?? "ether";
	const ethernet = type === "ether" || type === "loopback";
	const address = ethernet ? (row?.address ?? "").replaceAll(":", "") : "";
	return { ethernet, address: address.padEnd(12, "0") };
}
