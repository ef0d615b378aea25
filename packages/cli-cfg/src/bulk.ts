import type { BulkTables } from "@sluice/cli-kit";
import {
	type Config,
	type ConfigKey,
	configTable,
	directionIndex,
} from "@sluice/maps/tables";
import { rankOfConfig } from "@sluice/tunnel";
import { type ConfigRow, set } from "./commands/set.js";
import { interfaceOf } from "./rows.js";

/** How rows are batched, saved and restored. */
export const bulk: BulkTables<ConfigRow, ConfigKey, Config> = {
	table: configTable,
	set,
	rank: rankOfConfig,
	setWords: (key, { id, flags, name }, context) => [
		"set",
		...(key.ifindex === 0
			? []
			: [interfaceOf(key, context) ?? `if${key.ifindex}`]),
		...[directionIndex(key.direction), id, flags].map(String),
		name,
	],
	delWords: (key, context) => [
		"del",
		...(key.ifindex === 0
			? []
			: [interfaceOf(key, context) ?? `if${key.ifindex}`]),
		String(directionIndex(key.direction)),
	],
	restoring(context) {
		context.openTable(configTable).clear();
		return { line() {}, end() {} };
	},
};
