import path from "node:path";
import type { Host } from "@sluice/testbed";
import type { End } from "@sluice/tunnel/wire";

/**
 * Sends UDP payloads from a host's port, and returns the answers that come until there was none for a second.
 * @param localPort tunnel packets come back to the port that they came from
 */
export async function exchange(
	from: Host,
	payloads: readonly Buffer[],
	to: End,
	localPort = 6080,
): Promise<Buffer[]> {
	const { stdout } = await from.run(process.execPath, [
		path.join(import.meta.dirname, "../hosts/fixtures/datagrams.mjs"),
		...[String(to.address), String(to.port), String(localPort)],
		...payloads.map((bytes) => bytes.toString("hex")),
	]);
	return stdout
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => Buffer.from(line, "hex"));
}
