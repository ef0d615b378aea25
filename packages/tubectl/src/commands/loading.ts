import { badInput, command, keepYoungGenerationSmall } from "@sluice/cli-kit";
import { objectFile } from "@sluice/cli-kit/object-file";
import { locationOf } from "../state/location.js";
import { OBJECT } from "../state/object-file.js";
import type { Index } from "../state/upgrade.js";
import { version } from "../version.js";
import { announce } from "./open.js";

const nothing = () => undefined;

export const load = command({
	usage: "load",
	summary: "Load the dispatcher into the network namespace",
	examples: [
		["load", "into the namespace that tubectl runs in"],
		["--netns /run/netns/blue load", "into another one"],
	],
	parse: nothing,
	async run(_, context) {
		const { loadDispatcher } = await import("../state/load.js");
		const location = locationOf(context);
		const loaded = loadDispatcher(
			location,
			objectFile(OBJECT, context.env.vars),
		);
		if (!loaded)
			announce(
				context,
				`tubectl: load: dispatcher already loaded in ${location.directory}; use "tubectl upgrade" to replace it`,
			);
		context.print(
			loaded
				? [
						`created dispatcher in ${location.directory}`,
						`loaded dispatcher into ${location.netns}`,
					]
				: [],
			{ loaded, netns: location.netns, path: location.directory },
		);
	},
});

export const unload = command({
	usage: "unload",
	summary: "Unload the dispatcher and remove all its state",
	parse: nothing,
	async run(_, context) {
		const { unloadDispatcher } = await import("../state/unload.js");
		const location = locationOf(context);
		const unloaded = unloadDispatcher(location);
		if (!unloaded)
			announce(
				context,
				`tubectl: unload: dispatcher not loaded in ${location.directory}`,
			);
		context.print(
			unloaded ? [`unloaded dispatcher from ${location.netns}`] : [],
			{
				unloaded,
				netns: location.netns,
				path: location.directory,
			},
		);
	},
});

export const prune = command({
	usage: "prune",
	summary: "Remove dispatchers of deleted network namespaces",
	examples: [["prune", "of all network namespaces, in this bpffs"]],
	parse: nothing,
	async run(_, context) {
		const { removeLeftovers } = await import("../state/leftovers.js");
		const removed = removeLeftovers(locationOf(context).bpffs);
		context.print(
			removed.length > 0
				? removed.map((path) => `removed ${path}`)
				: ["no leftovers"],
			{ removed },
		);
	},
});

export const upgrade = command({
	usage: "upgrade",
	summary: "Replace the dispatcher's program and keep its state",
	options: {
		index: {
			type: "boolean",
			describe:
				"Add an index, for large tables; then only tubectl can write bindings",
		},
		"no-index": {
			type: "boolean",
			describe: "Take its index away: other tools can write bindings again",
		},
	},
	examples: [
		["upgrade", "after a new release, or from another tool's program"],
		["upgrade --index", "for hundreds of thousands of bindings"],
		["upgrade --no-index", "before another tool is to write bindings"],
	],
	parse: (args): Index => {
		const isWanted = args.flag("index");
		if (!args.flag("no-index")) return isWanted ? "make" : "keep";
		if (isWanted) throw badInput("--index and --no-index exclude each other");
		return "remove";
	},
	async run(wanted, context) {
		const { upgradeDispatcher } = await import("../state/upgrade.js");
		keepYoungGenerationSmall();
		const location = locationOf(context);
		const object = objectFile(OBJECT, context.env.vars);
		const { id, index } = await context.uninterrupted(() =>
			upgradeDispatcher(location, object, wanted),
		);
		if (index && wanted === "make")
			announce(
				context,
				'tubectl: upgrade: with an index, other tools such as tubular cannot write bindings; undo it with "tubectl upgrade --no-index"',
			);
		context.print([`Upgraded dispatcher to ${version}, program ID #${id}`], {
			version,
			program: id,
			index,
			path: location.directory,
		});
	},
});
