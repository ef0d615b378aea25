import path from "node:path";
import type { Host } from "@sluice/testbed";
import type { ExecutionContext } from "ava";
import { bin } from "./cli.js";
import { ownDirectory } from "./own-directory.js";

/** Runs `cli_cfg dump` on a host while something happens. Returns the path of the capture. */
export async function dumped(
	t: ExecutionContext,
	host: Host,
	happens: () => Promise<unknown>,
): Promise<string> {
	const file = path.join(ownDirectory(t), "dump.pcapng");
	const dump = host.spawn("sh", [
		"-c",
		`exec ${process.execPath} ${bin("cli_cfg")} dump --write - >${file}`,
	]);
	// The section header is there once the tables are open.
	await host.run("sh", [
		"-c",
		`until [ -s ${file} ]; do sleep 0.1; done; sleep 1`,
	]);
	await happens();
	await host.run("sleep", ["1"]);
	await dump.stop("SIGINT");
	return file;
}
