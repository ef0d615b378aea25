import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { Failure } from "@sluice/cli-kit";

/** The object that a direction's program is made from, by whether its device has Ethernet headers: the one that came with this tool, unless another is named. */
export function objectFile(
	direction: string,
	ethernet: boolean,
	variables: Readonly<Record<string, string | undefined>>,
): string {
	const name = `pfc_${direction}${ethernet ? "" : "_l3"}_tc.o`;
	const own = dirname(realpathSync(process.argv[1] ?? "."));
	const named = variables.SLUICE_BPF_DIR;
	const places = named
		? [named]
		: [
				// Beside the bundle; in a checkout, what make has written last.
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
		hint: "name it with --object, or its directory with SLUICE_BPF_DIR",
	});
}
