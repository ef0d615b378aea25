import { command } from "@sluice/cli-kit";

export const hooks = command({
	usage: "hooks",
	summary: "List the programs that are attached by tcx",
	parse: () => ({}),
	async run(_, context) {
		const { requireTcx } = await import("../tcx.js");
		requireTcx(context.kernel);
		const { allTcxPrograms } = await import("@sluice/tunnel/hooks");
		const programs = allTcxPrograms(context.kernel);
		context.print(
			programs.map(
				({ device, direction, programId, name }) =>
					`${device} ${direction} ${programId} ${name}`,
			),
			{ programs },
		);
	},
});
