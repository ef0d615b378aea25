import { command } from "@sluice/cli-kit";
import { hookOf, hookPositionals, programIdsOf } from "./words.js";

export const detach = command({
	usage: "detach <interface> <direction> <program>",
	summary: "Detach a program that is attached by tcx",
	positionals: { ...hookPositionals, program: "Its id" },
	parse: (args) => ({
		...hookOf(args),
		program: programIdsOf([args.text("program")])[0] as number,
	}),
	async run({ device, direction, program }, context) {
		const { detachProgram } = await import("../tcx.js");
		detachProgram(context.kernel, device, direction, program);
		context.print([], { program });
	},
});
