import type { Config, ConfigKey } from "@sluice/maps/tables";
import { flagWords } from "@sluice/maps/tables";

// Lines that scripts rely on: prefix, tabs and field order stay as they are.

/** @param name "*" for all interfaces; undefined for a deleted one, printed "-" */
export function configLine(
	name: string | undefined,
	{ ifindex, direction }: ConfigKey,
	config: Config,
): string {
	const words = flagWords(direction, config.flags).join(",");
	return [
		"CFG",
		name ?? "-",
		ifindex,
		direction === "ingress" ? "Ingress" : "Egress",
		config.id,
		config.name,
		`${config.flags} ${words}`.trimEnd(),
	].join("\t");
}

export const configDocument = (
	name: string | undefined,
	{ ifindex, direction }: ConfigKey,
	config: Config,
) => ({
	interface: name ?? null,
	ifindex,
	direction,
	id: config.id,
	name: config.name,
	flags: config.flags,
	flagNames: flagWords(direction, config.flags),
});
