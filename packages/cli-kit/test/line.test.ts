import test from "ava";
import { parse } from "../src/grammar.js";
import { type Command, Failure } from "../src/index.js";
import { type Line, readLine } from "../src/line.js";
import { randomNumbers } from "../testing/random.js";
import { sample, typed } from "./helpers/sample.js";

/** What a command would be given, or why there is none. */
function meaning(line: Line | undefined) {
	if (!line) return undefined;
	const { spec, values, args } = line;
	const parse = (spec as Command<unknown>).parse;
	try {
		return {
			usage: spec.usage,
			parsed: parse(args, {} as never),
			json: values.json === true,
			bpffs: values.bpffs,
		};
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		return { usage: spec.usage, refused: error.message };
	}
}

async function byYargs(words: readonly string[]): Promise<Line | undefined> {
	try {
		const parsed = await parse(sample, words);
		return "line" in parsed ? parsed.line : undefined;
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		return undefined;
	}
}

const accepted = [
	"get 1",
	"get all",
	"get 1 2",
	"get 1 --deep",
	"get --deep 1",
	"--json get 1",
	"get 1 --json 2",
	"get 1 --size 3",
	"get 1 --size=3",
	"get 1 --size=",
	"get 1 --size=a=b",
	"get 1 --size a=b",
	"get 1 --size -",
	"get 1 --bpffs /x --place here",
	"--bpffs /x get 1",
	"--bpffs=/x get 1",
	"get -1",
	"put 1 a",
	"list",
	"list a",
	"list get",
	"get 1 -s 3",
	"get 1 -s=3",
	"number 80",
	"number 0x50",
	"number 99999999999999999999",
	"number 1.5",
	"get toString",
	"get __proto__ constructor",
	"get 1 --size __proto__",
	"get ä€😀 '\"\\$x`y`",
];

for (const line of accepted)
	test(`yargs reads "${line}" the same`, async (t) => {
		const words = line.split(" ");
		const quick = readLine(sample, words);
		t.truthy(quick);
		t.deepEqual(meaning(quick), meaning(await byYargs(words)));
	});

// Left to yargs, which refuses them or prints something.
for (const line of [
	"",
	"--json",
	"get",
	"get 1 2 3",
	"put",
	"put 1",
	"go",
	"GET 1",
	"get 1 --dep",
	"get 1 --dee",
	"get 1 --no-deep",
	"get 1 --size",
	"get 1 --size --deep",
	"get 1 -x",
	"get 1 -json",
	"get 1 --",
	"toString",
	"__proto__",
	"$0",
	"get 1 --__proto__ x",
	"get 1 --constructor",
	"--help",
	"get --help",
	"--version",
	"completion",
])
	test(`"${line}" is left to yargs, which finds no command to run either`, async (t) => {
		const words = line === "" ? [] : line.split(" ");
		const quick = readLine(sample, words);
		if (line === "get 1 --")
			t.deepEqual(meaning(quick), meaning(await byYargs(words)));
		else {
			t.is(quick, undefined);
			t.is(await byYargs(words), undefined);
		}
	});

const vocabulary = [
	..."get put list fail number completion all 1 2 -1 a x".split(" "),
	..."--json --deep --size --size=3 --place --bpffs -s -- - --help".split(" "),
	..."--version --no-json --json=true --deep=false -x -sx 😀 -- =".split(" "),
	"",
	" ",
	"a b",
];

test("whatever readLine accepts, yargs takes for the same command: 1500 random lines", async (t) => {
	const random = randomNumbers(7);
	let compared = 0;
	for (let i = 0; i < 1500; i++) {
		const any = (list: readonly string[]) =>
			list[random(list.length)] as string;
		const words = [
			any(vocabulary.slice(0, 5)),
			...Array.from({ length: random(5) }, () => any(vocabulary)),
		];
		const quick = readLine(sample, words);
		if (!quick || words.includes("--") || words.includes("completion"))
			continue;
		compared++;
		const slow = await byYargs(words);
		t.is(slow?.spec.usage, quick.spec.usage, JSON.stringify(words));
	}
	t.true(compared > 100, `${compared} lines`);
});

test("what readLine reads that yargs cannot", (t) => {
	for (const [line, parsed] of [
		["put 1 a b c", ["1", "a", "b", "c"]],
		["put 1 -- a --json", ["1", "a", "--json"]],
		["put 1 a -- --json", ["1", "a", "--json"]],
		["list -- -- --", ["--", "--"]],
		[
			"list 1e3 0x10 007 -5 true null",
			["1e3", "0x10", "007", "-5", "true", "null"],
		],
		["list - -1.5 -.", ["-", "-1.5", "-."]],
	] as const) {
		const read = meaning(readLine(sample, line.split(" ")));
		t.deepEqual(read?.parsed, parsed, line);
	}
	const dashed = meaning(readLine(sample, ["get", "--", "-x", "--deep"]));
	t.like(dashed?.parsed, { id: "-x", group: "--deep", deep: false });
});

test("what yargs would read in its own way is refused, and named", async (t) => {
	for (const [line, word] of [
		["get 1 --deep=yes", "--deep=yes"],
		["get 1 --json=false", "--json=false"],
		["get 1 -s3", "-s3"],
		["--deep get 1", "--deep"],
	] as const) {
		const { code, out, err } = await typed(line.split(" "));
		t.deepEqual([code, out], [2, ""], line);
		t.true(err.includes(word) || /unknown argument|no command/.test(err), err);
	}
});
