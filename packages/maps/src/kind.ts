import { readFileSync } from "node:fs";
import { BpfError } from "./errors.js";

/** What may be pinned in a bpffs. */
export type Kind = "map" | "program" | "link";

/** What a descriptor is of, by the ids in its fdinfo, see proc(5). A link's has the id of its program, too. */
function kindOf(fd: number): Kind | undefined {
	const text = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
	if (/^link_id:/m.test(text)) return "link";
	if (/^prog_id:/m.test(text)) return "program";
	return /^map_id:/m.test(text) ? "map" : undefined;
}

/**
 * Checks what a pin is of.
 * @throws BpfError EINVAL it is of another kind
 */
export function requireKind(fd: number, kind: Kind, path: string): void {
	const found = kindOf(fd);
	if (found === undefined || found === kind) return;
	throw new BpfError(`open ${path}`, "EINVAL", {
		because: `it is a ${found}, not a ${kind}`,
	});
}
