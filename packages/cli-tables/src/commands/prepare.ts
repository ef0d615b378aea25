import { badInput, command } from "@sluice/cli-kit";
import type { Prepared } from "../migrate.js";
import { entriesText, programIdsOf } from "./words.js";

/** As many as the kernel can number. */
const MOST = 2 ** 31 - 1;

export const prepare = command({
	usage: "prepare <object>...",
	summary:
		"Load new objects beside the attached programs, with copies of the tables that changed",
	positionals: {
		object: "A compiled object for each kind of hook in use",
	},
	options: {
		replace: {
			type: "string",
			value: "program,…",
			describe: "Ids of the attached programs that will be replaced",
		},
		entries: {
			type: "string",
			describe: "Entries of TABLE-TUNNEL; tables that are sized like it follow",
		},
	},
	parse(args) {
		const text = args.optional("entries");
		if (
			text !== undefined &&
			!(/^[1-9]\d{0,9}$/.test(text) && Number(text) <= MOST)
		)
			throw badInput(
				`entries must be an integer from 1 to ${MOST}, got "${text}"`,
			);
		return {
			objects: args.list("object"),
			programs: programIdsOf(
				args.optional("replace")?.split(",").filter(Boolean) ?? [],
			),
			entries: text === undefined ? undefined : Number(text),
		};
	},
	async run({ objects, programs, entries }, context) {
		const migrate = await import("../migrate.js");
		const tables = await migrate.prepare(
			context.pinDirectory,
			objects,
			programs,
			entries,
		);
		context.print(tables.map(text), { tables });
	},
});

const text = ({ table, state, entries, maxEntries }: Prepared) =>
	({
		kept: `${table}: kept`,
		copied: `${table}: ${entriesText(entries)} copied, room for ${maxEntries}`,
		new: `${table}: new`,
	})[state];
