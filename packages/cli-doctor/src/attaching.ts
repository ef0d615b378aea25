import type { Direction } from "@sluice/maps/tables";
import type { Finding } from "./finding.js";
import { script } from "./scripts.js";
import { quoted } from "./shell.js";
import type { World } from "./world.js";

/** What attaches our programs to an interface; a question where it is not known to which. */
export function attaching(
	world: World,
	device: string | undefined,
	direction?: Direction,
): Pick<Finding, "fix" | "question"> {
	const words = (name: string) =>
		[script(world, "attach_tc.sh"), name, direction].filter(Boolean).join(" ");
	return device === undefined
		? {
				question: `by which interface do the tunnel's packets come and go? ${words("INTERFACE")}`,
			}
		: { fix: words(quoted(device)) };
}
