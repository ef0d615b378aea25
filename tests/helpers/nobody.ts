import type { Host, Result } from "@sluice/testbed";
import { root } from "./paths.js";

/** Where the host's users find the checkout: it may stand where they may not enter, in root's home for one. */
const CHECKOUT = "/mnt";

/** Runs a script of scripts/ as a user without any rights. */
export async function asNobody(
	host: Host,
	name: string,
	...words: string[]
): Promise<Result> {
	await host.run("mount", ["--bind", root, CHECKOUT]);
	return host.run(
		"setpriv",
		[
			...["--reuid", "65534", "--regid", "65534", "--clear-groups"],
			...[`${CHECKOUT}/scripts/${name}.sh`, ...words],
		],
		{ reject: false },
	);
}
