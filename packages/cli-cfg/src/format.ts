import type { Config, ConfigKey } from "@sluice/maps/tables";
import { flagWords } from "@sluice/maps/tables";

// Lines that scripts rely on: prefix, tabs and field order stay as they are.

/** @param name "*" for every interface; undefined for one that is gone, printed "-" */
export function configLine(
	name: string | undefined,
	{ ifindex, queue }: ConfigKey,
	config: Config,
): string {
	const direction = queue === 0 ? "Ingress" : "Egress";
	const words = flagWords(queue, config.flags).join(",");
	return [
		"CFG",
		name ?? "-",
		ifindex,
		direction,
		config.id,
		config.name,
		`${config.flags} ${words}`.trimEnd(),
	].join("\t");
}

export const configDocument = (
	name: string | undefined,
	{ ifindex, queue }: ConfigKey,
	config: Config,
) => ({
	interface: name ?? null,
	ifindex,
	direction: queue === 0 ? "ingress" : "egress",
	id: config.id,
	name: config.name,
	flags: config.flags,
	flagNames: flagWords(queue, config.flags),
});
