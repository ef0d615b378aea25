import { hostname } from "node:os";
import { command } from "@sluice/cli-kit";
import {
	documentOf,
	lastApplied,
	openApplied,
	rowsOfMachine,
	yamlLines,
} from "@sluice/machine";
import { onlyIn, onlyOption } from "./options.js";

export const exportDocument = command({
	usage: "export",
	summary:
		"Print the tables as a document; with the keys it is as secret as they are",
	options: {
		"show-keys": {
			type: "boolean",
			describe: "With the keys, without which it cannot be applied",
		},
		only: onlyOption,
	},
	examples: [
		["export --show-keys >machine.yaml", "Begin with what was set by hand"],
	],
	parse: (args) => ({
		showKeys: args.flag("show-keys"),
		only: onlyIn(args),
	}),
	run({ showKeys, only }, context) {
		const last = lastApplied(openApplied(context, { readOnly: true }));
		const name = last?.owner ?? hostname();
		const generation = last?.generation ?? 1n;
		const rows = rowsOfMachine(context, only, showKeys);
		context.print(
			() => yamlLines(rows, name, generation),
			() => documentOf(rows, name, generation),
		);
	},
});
