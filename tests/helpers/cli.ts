import { createRequire } from "node:module";
import path from "node:path";
import type { Host, Result, RunOptions } from "@sluice/testbed";

const require = createRequire(import.meta.url);

/** The bundled bin of a CLI: `cli_tunnel` is in @sluice/cli-tunnel. */
export function bin(name: string): string {
	const home = /^sk-|^sockmap-/.test(name)
		? "sk-lookup"
		: name.replace("_", "-");
	const manifest = require.resolve(`@sluice/${home}/package.json`);
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

/** Command lines of one CLI, one after the other, in one process. */
export async function clis(
	host: Host,
	name: string,
	lines: readonly string[],
): Promise<void> {
	await cli(host, `${name} batch -`, { input: `${lines.join("\n")}\n` });
}
