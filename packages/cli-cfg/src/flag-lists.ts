import type { Context } from "@sluice/cli-kit";
import { flagNames } from "@sluice/maps/tables";

/**
 * What completes `<flags>`: the names that were typed, and one more.
 * @param words the last is the id, the one before it the direction
 */
export function flagLists(
	_context: Context,
	words: readonly string[],
	typed: string,
): string[] {
	const before = typed.split(",").slice(0, -1);
	return Object.keys(flagNames[words.at(-2) === "0" ? "ingress" : "egress"])
		.filter((name) => !before.includes(name))
		.map((name) => [...before, name].join(","));
}
