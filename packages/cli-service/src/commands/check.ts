import { command, counted, Failure } from "@sluice/cli-kit";
import {
	findings,
	type Opener,
	openServiceTables,
	openTunnelTables,
} from "@sluice/tunnel";

export const check = command({
	usage: "check",
	summary: "Show rows that do not belong together",
	options: {
		repair: {
			type: "boolean",
			describe: "Correct them by TABLE-VERIFY",
		},
	},
	examples: [
		["check", "Exit 1 where something is wrong"],
		["check --repair", "Mend what a killed command has left"],
	],
	parse: (args) => args.flag("repair"),
	run(repair, context) {
		const look = (opener: Opener) => {
			const tables = openServiceTables(opener, { readOnly: !repair });
			const tunnels = openTunnelTables(opener, { readOnly: !repair });
			const found = findings(tables, tunnels);
			if (repair) for (const finding of found) finding.repair?.();
			return found;
		};
		const found = repair ? context.locked(look) : look(context);
		const rows = found.map(({ code, message, repair: mend }) => ({
			code,
			message,
			repaired: repair && mend !== undefined,
		}));
		context.print(
			[
				...rows.map(
					({ code, message, repaired }) =>
						`${code}\t${message}${repaired ? " (repaired)" : ""}`,
				),
				counted(rows.length, "finding"),
			],
			{ findings: rows },
		);
		const left = rows.filter(({ repaired }) => !repaired).length;
		if (left > 0)
			throw new Failure(
				"failed",
				`${counted(left, "finding")} not repaired`,
				repair ? {} : { hint: "see what --repair can mend" },
			);
	},
});
