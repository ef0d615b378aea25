import { type Context, type Counts, counted } from "@sluice/cli-kit";
import { differenceText, type Result } from "@sluice/machine";

const rowsText = ({ written, deleted }: Counts) =>
	`${counted(written, "row")} written, ${deleted} deleted`;

/** Prints a result, its warnings aside. */
export function printResult(
	{ differences, warnings, ...rest }: Result,
	verb: string,
	context: Context,
): void {
	for (const warning of warnings)
		context.env.err(
			`cli_apply: ${verb ? `${verb}: ` : ""}warning: ${warning}\n`,
		);
	const { generation } = rest;
	context.print(
		() =>
			differences
				? [
						...differences.map(differenceText),
						`${counted(differences.length, "difference")}, not applied: ${rowsText(rest)}`,
					]
				: [`generation ${generation}: ${rowsText(rest)}`],
		() => ({ ...rest, ...(differences ? { differences } : {}), warnings }),
	);
}
