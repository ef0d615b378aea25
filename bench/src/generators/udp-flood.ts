import { join } from "node:path";
import type { Host } from "@sluice/testbed";

const program = join(import.meta.dirname, "../../dist/udp_flood");

/** What to send: to one address, from so many source ports, to so many ports. */
export type Flood = {
	target: string;
	firstPort: number;
	ports: number;
	flows: number;
	/** Of payload in each packet. */
	bytes: number;
};

/** Sends for so many seconds, as fast as it goes. */
export async function flood(
	client: Host,
	{ target, firstPort, ports, flows, bytes }: Flood,
	seconds: number,
): Promise<void> {
	const args = [target, firstPort, ports, flows, bytes, seconds].map(String);
	await client.run(program, args, { timeout: (seconds + 20) * 1000 });
}
