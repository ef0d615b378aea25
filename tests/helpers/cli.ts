import { createRequire } from "node:module";
import path from "node:path";
import type { Host, Result, RunOptions } from "@sluice/testbed";

const require = createRequire(import.meta.url);

/** The bundled bin of a CLI: `cli_tunnel` is in @sluice/cli-tunnel. */
export function bin(name: string): string {
	const manifest = require.resolve(
		`@sluice/${name.replace("_", "-")}/package.json`,
	);
	return path.join(path.dirname(manifest), require(manifest).bin[name]);
}

/**
 * Runs a command line as a person would type it, words parted by spaces:
 * `cli(host, "cli_tunnel get all")`.
 */
export function cli(
	host: Host,
	line: string,
	options?: RunOptions,
): Promise<Result> {
	const [name = "", ...args] = line.split(" ");
	return host.run(process.execPath, [bin(name), ...args], options);
}

/** Several command lines, one after the other. */
export async function clis(host: Host, lines: readonly string[]) {
	for (const line of lines) await cli(host, line);
}
