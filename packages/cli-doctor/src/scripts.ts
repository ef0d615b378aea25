import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { onPath, quoted } from "./shell.js";
import type { World } from "./world.js";

/** A script of iproute2 commands as it is called from here: by its name where it is on the PATH. */
export function script({ env }: World, name: string): string {
	if (onPath(name, env.vars.PATH)) return name;
	const beside = beginning(name);
	return beside ? quoted(beside) : name;
}

/** In a checkout, from packages/cli-doctor/dist or src. */
function beginning(name: string): string | undefined {
	const from = dirname(realpathSync(process.argv[1] ?? "."));
	return onPath(
		name,
		["../../../scripts", "../../scripts"].map((up) => join(from, up)).join(":"),
	);
}
