import { mkdirSync } from "node:fs";
import { command, Failure } from "@sluice/cli-kit";
import { entriesText, programIdsOf } from "./words.js";

export const adopt = command({
	usage: "adopt <program>...",
	summary: "Pin the tables that attached programs use and that are not pinned",
	positionals: { program: "Ids of programs" },
	options: {
		"drop-live": {
			type: "boolean",
			describe: "Go on with the pinned tables where a program uses others",
		},
	},
	examples: [["adopt 123 124", "Pin what programs 123 and 124 use"]],
	parse: (args) => ({
		programs: programIdsOf(args.list("program")),
		dropLive: args.flag("drop-live"),
	}),
	async run({ programs, dropLive }, context) {
		const { adopt: adoptTables } = await import("../adopt.js");
		mkdirSync(context.pinDirectory, { recursive: true, mode: 0o700 });
		const { adopted, conflicts } = adoptTables(context.pinDirectory, programs);
		// Counters and events are no reason to stop.
		const lost = conflicts.filter(({ live }) => live > 0);
		if (lost.length > 0 && !dropLive) {
			const list = lost.map(
				({ table, program, live, pinned }) =>
					`${table} of program ${program} has ${entriesText(live)}, the pinned one ${pinned}`,
			);
			throw new Failure(
				"failed",
				`the attached programs use other tables than the pinned ones: ${list.join(", ")}; nothing was changed`,
				{
					hint: `to keep those of the programs remove the pins in ${context.pinDirectory}, to lose them add --drop-live; then run it again`,
				},
			);
		}
		context.print(
			adopted.map(
				({ table, entries }) =>
					`${table}: pinned again, ${entriesText(entries)}`,
			),
			{ adopted, conflicts },
		);
	},
});
