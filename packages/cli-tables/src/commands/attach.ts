import { command } from "@sluice/cli-kit";
import { hookOf, hookPositionals } from "./words.js";

export const attach = command({
	usage: "attach <interface> <direction> <pin>",
	summary:
		"Attach a pinned program by tcx, in the place of the one of ours that is there",
	positionals: { ...hookPositionals, pin: "Where the program is pinned" },
	parse: (args) => ({ ...hookOf(args), pin: args.text("pin") }),
	async run({ device, direction, pin }, context) {
		const { attachPinned } = await import("../tcx.js");
		const program = attachPinned(context.kernel, device, direction, pin);
		context.print([`program ${program} attached to ${device} ${direction}`], {
			program,
		});
	},
});
