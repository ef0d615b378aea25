import { Random } from "@sluice/testbed";
import test from "ava";
import { type Cli, type Command, Failure } from "../src/index.js";
import { type Line, readLine } from "../src/line.js";
import { usageLine } from "../src/usage.js";
import { sample } from "./helpers/sample.js";

/** A line by its words: the command's own first, then its arguments, and the options. */
function meaning(words: readonly string[]) {
	const line = readLine(sample, words);
	if ("what" in line) return line;
	const { spec, values, args } = line;
	return {
		parsed: (spec as Command<unknown>).parse(args, {} as never),
		values,
	};
}

const get = (id: string, rest: object = {}) => ({
	...{ id, group: undefined, deep: false, size: undefined, place: undefined },
	...rest,
});

const reads = test.macro({
	title: (_, line: string) => `"${line}" is read`,
	exec(t, line: string, parsed: unknown, values: object = {}) {
		t.deepEqual(meaning(line.split(" ")), { parsed, values });
	},
});

test(reads, "get 1", get("1"));
test(reads, "get all", get("all"));
test(reads, "get 1 2", get("1", { group: "2" }));
test(reads, "get 1 --deep", get("1", { deep: true }), { deep: true });
test(reads, "get --deep 1", get("1", { deep: true }), { deep: true });
test(reads, "--json get 1", get("1"), { json: true });
test(reads, "get 1 --json 2", get("1", { group: "2" }), { json: true });
test(reads, "get 1 --size 3", get("1", { size: "3" }), { size: "3" });
test(reads, "get 1 --size=3", get("1", { size: "3" }), { size: "3" });
test(reads, "get 1 --size=", get("1", { size: "" }), { size: "" });
test(reads, "get 1 --size=a=b", get("1", { size: "a=b" }), { size: "a=b" });
test(reads, "get 1 --size -", get("1", { size: "-" }), { size: "-" });
test(reads, "get 1 --size=-x", get("1", { size: "-x" }), { size: "-x" });
test(reads, "get 1 -s 3", get("1", { size: "3" }), { size: "3" });
test(reads, "get 1 -s=3", get("1", { size: "3" }), { size: "3" });
test(reads, "--bpffs /x get 1", get("1"), { bpffs: "/x" });
test(reads, "--place get get 1", get("1", { place: "get" }), { place: "get" });
test(reads, "get -1", get("-1"));
test(reads, "get 1 --", get("1"));
test(reads, "get toString", get("toString"));
test(reads, "get __proto__ get", get("__proto__", { group: "get" }));
test(reads, "get -- -x --deep", get("-x", { group: "--deep" }));
test(reads, "put 1 a b c", ["1", "a", "b", "c"]);
test(reads, "put 1 -- a --json", ["1", "a", "--json"]);
test(reads, "put 1 a -- --json", ["1", "a", "--json"]);
test(reads, "list", []);
test(reads, "list list", ["list"]);
test(reads, "list -- -- --", ["--", "--"]);
test(reads, "list 1e3 007 -5 -1.5 - -.", [
	"1e3",
	"007",
	"-5",
	"-1.5",
	"-",
	"-.",
]);
test(reads, "list ä€😀 '\"\\$x`y`", ["ä€😀", "'\"\\$x`y`"]);
test(reads, "pick all", [undefined, undefined]);
test(reads, "pick 1 2", ["1", "2"]);
test(reads, "place a b", [undefined, "a", "b"]);
test(reads, "place a b c", ["a", "b", "c"]);

const mistakes = test.macro({
	title: (_, line: string) => `"${line}" is a mistake`,
	exec(t, line: string, what: string, rest: object = {}) {
		const words = line === "" ? [] : line.split(" ");
		t.like(readLine(sample, words), {
			...{ what, word: undefined, expected: undefined },
			...rest,
		} as object);
	},
});

const command = (word: string) => ["unknown command", { word }] as const;
const option = (word: string) => ["unknown option", { word }] as const;
const missing = (expected: string) =>
	["argument missing", { expected }] as const;
const unwanted = (word: string) => ["argument unwanted", { word }] as const;

test(mistakes, "", "no command");
test(mistakes, "--json", "no command");
test(mistakes, "go", ...command("go"));
test(mistakes, "GET 1", ...command("GET"));
test(mistakes, "toString", ...command("toString"));
test(mistakes, "$0", ...command("$0"));
test(mistakes, "-", ...command("-"));
test(mistakes, "-_", ...option("-_"));
test(mistakes, "--deep get 1", ...option("--deep"));
test(mistakes, "get 1 --dep", ...option("--dep"));
test(mistakes, "get 1 --dee=x", ...option("--dee"));
test(mistakes, "get 1 --no-deep", ...option("--no-deep"));
test(mistakes, "get 1 -s3", ...option("-s3"));
test(mistakes, "get 1 ---", ...option("---"));
test(mistakes, "get 1 --=", ...option("--"));
test(mistakes, "get 1 --__proto__ x", ...option("--__proto__"));
test(mistakes, "get 1 --deep=yes", "value unwanted", { word: "--deep" });
test(mistakes, "get 1 --json=false", "value unwanted", { word: "--json" });
test(mistakes, "get 1 --size", "value missing", { word: "--size" });
test(mistakes, "get 1 --size --deep", "value missing", { word: "--size" });
test(mistakes, "get", ...missing("<id>|all"));
test(mistakes, "put", ...missing("<id> <words>..."));
test(mistakes, "put 1", ...missing("<words>..."));
test(mistakes, "pick", ...missing("all or <row>"));
test(mistakes, "pick 1", ...missing("<column>"));
test(mistakes, "place a", ...missing("<how>"));
test(mistakes, "get 1 2 3 4", ...unwanted("3"));
test(mistakes, "pick all 2", ...unwanted("2"));
test(mistakes, "pick 1 2 3", ...unwanted("3"));
test(mistakes, "place a b c d", ...unwanted("d"));

test("options of the program have no place in a line of a batch", (t) => {
	t.like(readLine(sample, ["get", "1", "--json"], true), {
		what: "common option",
		word: "--json",
	});
	t.like(readLine(sample, ["get", "1", "--place", "x"], true), {
		what: "common option",
		word: "--place",
	});
	t.like(readLine(sample, ["get", "1", "--deep"], true), {
		values: { deep: true },
	});
});

const vocabulary = [
	..."get put list pick place lock number all 1 2 -1 a x".split(" "),
	..."--json --deep --size --size=3 --place --bpffs -s -- - --help".split(" "),
	..."--version --no-json --json=true --deep=false -x -sx 😀 -- = -_".split(
		" ",
	),
	"",
	" ",
	"a b",
];

test("5000 random lines are each a command with all that it demands, or a mistake", (t) => {
	const random = new Random(7);
	const seen = new Set<string>();
	for (let i = 0; i < 5000; i++) {
		const words = Array.from(
			{ length: random.below(6) },
			() => vocabulary[random.below(vocabulary.length)] as string,
		);
		const line = readLine(sample, words);
		seen.add("what" in line ? line.what : "line");
		if ("what" in line) continue;
		try {
			const parsed = line.spec.parse(line.args, {} as never);
			t.false(JSON.stringify(parsed) === undefined, JSON.stringify(words));
		} catch (error) {
			t.true(error instanceof Failure, JSON.stringify(words));
		}
	}
	t.is(seen.size, 8, [...seen].join());
});

test("a value that may be left out stands behind =", (t) => {
	const push: Command<unknown[]> = {
		usage: "push <file>",
		summary: "",
		options: { wait: { type: "optional", value: "seconds", describe: "" } },
		parse: (args) => [
			args.text("file"),
			args.flag("wait"),
			args.optional("wait"),
		],
		run: () => undefined,
	};
	const cli: Cli = { name: "p", summary: "", version: "", commands: [push] };
	const read = (line: string) => {
		const { args } = readLine(cli, line.split(" ")) as Line;
		return push.parse(args, {} as never);
	};
	t.deepEqual(read("push x"), ["x", false, undefined]);
	t.deepEqual(read("push --wait x"), ["x", true, undefined]);
	t.deepEqual(read("push --wait=5 x"), ["x", true, "5"]);
	t.is(usageLine(cli, push), "p push <file> [--wait[=<seconds>]]");
});
