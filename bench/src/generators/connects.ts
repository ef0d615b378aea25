import { join } from "node:path";
import type { Host, Running } from "@sluice/testbed";

export const CONNECTS_PORT = 5202;

const program = join(import.meta.dirname, "../../dist/connects");

export async function serveConnects(
	host: Host,
	address: string,
): Promise<Running> {
	const server = host.spawn(program, ["serve", address, String(CONNECTS_PORT)]);
	await server.ready(/listening/);
	return server;
}

/** @returns connections/s */
export async function connects(
	client: Host,
	target: string,
	seconds: number,
): Promise<number> {
	const { stdout } = await client.run(
		program,
		["count", target, String(CONNECTS_PORT), String(seconds)],
		{ timeout: (seconds + 20) * 1000 },
	);
	return Number(stdout);
}
