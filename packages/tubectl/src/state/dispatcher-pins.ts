import type { Pins } from "@sluice/cli-kit";
import {
	findLocation,
	NOT_LOADED,
	netnsOf,
	notLoadedText,
} from "./location.js";
import { changedTables } from "./tables.js";

/** The pins of a dispatcher. */
export const dispatcherPins: Pins = {
	directory: (bpffs, options) =>
		findLocation(netnsOf(options), bpffs).directory,
	absent: (directory) => ({
		message: notLoadedText(directory),
		...NOT_LOADED,
	}),
	hint: 'replace the dispatcher with "tubectl upgrade"',
	tables: changedTables,
	async guard() {
		const { guard } = await import("./guard.js");
		return guard;
	},
};
