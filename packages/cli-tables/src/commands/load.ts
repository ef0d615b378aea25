import { command } from "@sluice/cli-kit";

export const load = command({
	usage: "load <object> <pin>",
	summary:
		"Load an object with the pinned tables, whatever their size, and pin its program",
	positionals: {
		object: "A compiled object, pfc_ingress_tc.o",
		pin: "Where to pin its program",
	},
	examples: [
		[
			"load bpf/dist/pfc_ingress_tc.o /sys/fs/bpf/pfc_ingress",
			"For tc … bpf object-pinned",
		],
	],
	parse: (args) => ({ object: args.text("object"), at: args.text("pin") }),
	async run({ object, at }, context) {
		const { loadWithPins } = await import("../load.js");
		const id = loadWithPins(context.pinDirectory, object, at);
		context.print([`program ${id} pinned at ${at}`], { program: id, pin: at });
	},
});
