import { command, counted } from "@sluice/cli-kit";

export const exchange = command({
	usage: "exchange",
	summary: "Make the prepared tables the pinned ones",
	parse: () => ({}),
	async run(_, context) {
		const migrate = await import("../migrate.js");
		const { newerPings } = migrate.exchange(context.pinDirectory);
		context.print(
			newerPings > 0
				? [`${counted(newerPings, "ping")} copied that came in the meantime`]
				: [],
			{ newerPings },
		);
	},
});
