import { command } from "@sluice/cli-kit";
import { version as number } from "../version.js";

export const version = command({
	usage: "version",
	summary: "Print the version",
	kernel: false,
	parse: () => undefined,
	run: (_, context) =>
		context.print(
			[`tubectl version: ${number} (node runtime ${process.version})`],
			{ version: number },
		),
});
