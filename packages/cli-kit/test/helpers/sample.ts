import { spawnSync } from "node:child_process";
import { BpfError } from "@sluice/maps/errors";
import type { ExecutionContext } from "ava";
import {
	badInput,
	type Cli,
	command,
	type Env,
	Failure,
	missing,
	run,
	values,
} from "../../src/index.js";

const plain = { kernel: false } as const;

/** How `fail` ends, by the word that it is given. */
const ends: Record<string, () => Error> = {
	failed: () => new Failure("failed", "it broke", { code: "BROKE" }),
	usage: () => badInput('size must be small, got "large"', "try 1"),
	missing: () => missing("no tunnel 42"),
	environment: () => new Failure("environment", "no library"),
	full: () => new BpfError("write map_nat", "E2BIG"),
	denied: () => new BpfError("open map_nat", "EPERM"),
	program: () =>
		spawnSync("ip", [], { env: { PATH: "/nowhere" } }).error as Error,
	bug: () => new TypeError("x is not a function"),
};

/** A program with commands of every shape, which print what they were given. */
export const sample: Cli = {
	name: "sample",
	summary: "show how programs behave",
	version: "1.2.3",
	options: { place: { type: "string", describe: "Where" } },
	commands: [
		command({
			...plain,
			usage: "get <id>|all [<group>]",
			summary: "Show one or all",
			positionals: { id: "Its number, or all" },
			options: {
				deep: { type: "boolean", describe: "All of it" },
				size: { type: "string", describe: "How much", alias: "s" },
			},
			examples: [["get 1 --deep", "All of number 1"]],
			parse: (args) => ({
				id: args.text("id"),
				group: args.optional("group"),
				deep: args.flag("deep"),
				size: args.optional("size"),
				place: args.optional("place"),
			}),
			run: (parsed, context) => context.print([JSON.stringify(parsed)], parsed),
		}),
		command({
			...plain,
			usage: "put <id> <words>...",
			summary: "Keep words",
			parse: (args) => [args.text("id"), ...args.list("words")],
			run: (words, context) => context.print([words.join("|")], words),
		}),
		command({
			...plain,
			usage: "list [<words>...]",
			summary: "Show words",
			parse: (args) => args.list("words"),
			run: (words, context) => context.print(words, words),
		}),
		command({
			...plain,
			usage: ["pick all", "pick <row> <column>"],
			summary: "Show all or one",
			parse: (args) => [args.optional("row"), args.optional("column")],
			run: (words, context) => context.print([words.join("|")], words),
		}),
		command({
			...plain,
			usage: "place [<where>] <what> <how>",
			summary: "Place something",
			parse: (args) =>
				["where", "what", "how"].map((name) => args.optional(name)),
			run: (words, context) => context.print([words.join("|")], words),
		}),
		command({
			...plain,
			usage: "lock <door> <key>",
			summary: "Lock a door",
			options: { force: { type: "boolean", describe: "Twice" } },
			parse: (args) => [
				values.port("door", args.text("door")),
				args.text("key").length,
			],
			run: ([door, length], context) =>
				context.print([`${door} ${length}`], { door, length }),
		}),
		command({
			...plain,
			usage: "fail <how>",
			summary: "Fail",
			parse: (args) => args.text("how"),
			run(how) {
				const end = ends[how];
				if (end) throw end();
			},
		}),
		command({
			...plain,
			usage: "number <n>",
			summary: "Read a number",
			parse: (args) => values.port("n", args.text("n")),
			run: (n, context) => context.print([String(n)], { n }),
		}),
	],
};

export interface Printed {
	code: number;
	out: string;
	err: string;
}

/** Runs a program that needs no kernel. */
export async function typed(
	words: readonly string[],
	cli: Cli = sample,
	env: Partial<Env> = {},
): Promise<Printed> {
	const printed = { out: "", err: "" };
	const code = await run(cli, words, {
		out: (text) => {
			printed.out += text;
		},
		err: (text) => {
			printed.err += text;
		},
		vars: {},
		isTerminal: false,
		input: () => "",
		kernel: () => Promise.reject(new Error("no command here asks for it")),
		...env,
	});
	return { code, ...printed };
}

/** Types a line and compares all that comes back. */
export async function prints(
	t: ExecutionContext,
	line: string,
	{ code = 0, out = "", err = "" }: Partial<Printed>,
	cli?: Cli,
): Promise<void> {
	t.deepEqual(
		{ line, ...(await typed(line.split(" "), cli)) },
		{ line, code, out, err },
	);
}
