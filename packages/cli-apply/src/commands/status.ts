import { command, missing } from "@sluice/cli-kit";
import { isDrifted, lastApplied, openApplied, when } from "@sluice/machine";

export const status = command({
	usage: "status",
	summary:
		"Show what was applied last, and whether the tables have changed since",
	examples: [["status", "Exit 3 where nothing was applied since the boot"]],
	parse: () => undefined,
	run(_, context) {
		const last = lastApplied(openApplied(context, { readOnly: true }));
		if (!last) throw missing("nothing was applied");
		const { generation, owner } = last;
		const drifted = isDrifted(context) === true;
		const sha256 = last.file.toString("hex");
		context.print(
			[
				`machine     ${owner}`,
				`generation  ${generation}`,
				`sha256      ${sha256}`,
				`applied     ${when(last)}`,
				`owns        ${last.only || "all"}`,
				`drifted     ${drifted ? "yes: rows or interfaces were changed since" : "no"}`,
			],
			{
				machine: owner,
				generation,
				sha256,
				applied: when(last),
				only: last.only === "" ? null : last.only,
				drifted,
			},
		);
	},
});
