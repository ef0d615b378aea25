import { bulkCommands, type Cli } from "@sluice/cli-kit";
import { bulk } from "./bulk.js";
import { bind, bindings, unbind } from "./commands/binding.js";
import { labels } from "./commands/labels.js";
import { loadBindings } from "./commands/load-bindings.js";
import { load, prune, unload, upgrade } from "./commands/loading.js";
import { metrics } from "./commands/metrics.js";
import { register, registerPid, unregister } from "./commands/register.js";
import { list, status } from "./commands/status.js";
import { version } from "./commands/version.js";
import { who } from "./commands/who.js";
import { dispatcherPins } from "./state/dispatcher-pins.js";
import { version as number } from "./version.js";

/** Nouns read, verbs change. */
export const cli: Cli = {
	name: "tubectl",
	summary: "bind subnets and all ports to sockets",
	version: number,
	oneDash: true,
	pins: dispatcherPins,
	options: {
		netns: {
			type: "string",
			describe: "Path to the network namespace [default: /proc/self/ns/net]",
		},
	},
	values: {
		label: labels,
		protocol: ["tcp", "udp"],
		domain: ["ipv4", "ipv6"],
		netns: "file",
	},
	commands: [
		version,
		status,
		metrics,
		who,
		load,
		unload,
		prune,
		upgrade,
		bindings,
		bind,
		unbind,
		loadBindings,
		...bulkCommands(() => cli, bulk),
		register,
		registerPid,
		unregister,
		list,
	],
};
