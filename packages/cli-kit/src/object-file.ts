import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { Failure } from "./failure.js";

/**
 * The compiled object that came with the running program, unless SLUICE_BPF_DIR names a directory.
 *
 * @param name of the file
 * @param hint the next step if there is none
 * @throws Failure environment
 */
export function objectFile(
	name: string,
	{ SLUICE_BPF_DIR: named }: Readonly<Record<string, string | undefined>>,
	hint = "name its directory with SLUICE_BPF_DIR",
): string {
	const own = dirname(realpathSync(process.argv[1] ?? "."));
	const places = named
		? [named]
		: [
				// Beside the bundle; in a checkout, in bpf/dist.
				join(own, "../../../bpf/dist"),
				join(own, "bpf"),
				"/usr/lib/sluice/bpf",
			];
	const found = places
		.map((place) => join(place, name))
		.find((path) => existsSync(path));
	if (found) return found;
	throw new Failure("environment", `no ${name} in ${places.join(", ")}`, {
		code: "NO_OBJECT",
		hint,
	});
}
