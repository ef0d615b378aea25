import { type Args, badInput, type OptionSpec } from "@sluice/cli-kit";

/** Of a command that reports packets until it is stopped. */
export const writeOptions: Readonly<Record<string, OptionSpec>> = {
	count: { type: "string", describe: "Stop after N packets" },
	write: {
		type: "string",
		value: "file",
		describe: "Write a pcapng capture to a file; - is stdout",
	},
};

/** Where to write a capture. @throws Failure usage */
export function writeOf(args: Args): string | undefined {
	const write = args.optional("write");
	if (write === "-" && args.flag("json"))
		throw badInput("--json and --write - both want stdout");
	return write;
}
