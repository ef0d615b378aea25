import test from "ava";
import { type Cli, command } from "../src/index.js";
import { typed as typedTo } from "./helpers/sample.js";

const cli: Cli = {
	name: "one",
	summary: "do one thing",
	version: "1.2.3",
	commands: [
		command({
			usage: "$0 <from> <to>",
			summary: "Do it",
			options: { size: { type: "string", describe: "How large" } },
			examples: [["a b", "From a to b"]],
			kernel: false,
			parse: (args) =>
				[args.text("from"), args.text("to"), args.optional("size")].join(" "),
			run: (line, { env }) => env.out(line),
		}),
	],
};

const typed = (...words: string[]) => typedTo(words, cli);

test("a program of one command is called without its word", async (t) => {
	const ended = { code: 0, out: "a b 7", err: "" };
	t.deepEqual(await typed("a", "b", "--size", "7"), ended);
	t.deepEqual(await typed("--size=7", "a", "b"), ended);
});

test("a program of one command says what is missing", async (t) => {
	t.deepEqual(await typed("a"), {
		code: 2,
		out: "",
		err: "one: missing: <to>\nusage: one <from> <to> [--size <size>]\n",
	});
});

test("a program of one command has help, version and completion", async (t) => {
	const { out } = await typed("--help");
	t.regex(out, /^one: do one thing\n/);
	t.regex(out, /^ +one <from> <to> /m);
	t.regex(out, /^ +one completion /m);
	t.regex(out, /one a b +From a to b/);
	t.is((await typed("--version")).out, "1.2.3\n");
	t.regex((await typed("completion")).out, /^complete -F _one one$/m);
});
