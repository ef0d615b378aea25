import test from "ava";
import { Failure } from "../src/index.js";
import { prints, sample, typed } from "./helpers/sample.js";

for (const [how, code, text, json] of [
	[
		"failed",
		1,
		"sample: fail: it broke\n",
		'{"error":{"code":"BROKE","message":"it broke"}}\n',
	],
	[
		"usage",
		2,
		'sample: fail: size must be small, got "large"; try 1\n',
		'{"error":{"code":"USAGE","message":"size must be small, got \\"large\\"","hint":"try 1"}}\n',
	],
	[
		"missing",
		3,
		"sample: fail: no tunnel 42\n",
		'{"error":{"code":"NOT_FOUND","message":"no tunnel 42"}}\n',
	],
	[
		"environment",
		4,
		"sample: fail: no library\n",
		'{"error":{"code":"ENVIRONMENT","message":"no library"}}\n',
	],
	[
		"full",
		1,
		"sample: fail: write map_nat: the table is full (E2BIG)\n",
		'{"error":{"code":"E2BIG","message":"write map_nat: the table is full (E2BIG)"}}\n',
	],
	[
		"denied",
		4,
		"sample: fail: open map_nat: not permitted (EPERM); run as root or with CAP_BPF and CAP_NET_ADMIN\n",
		'{"error":{"code":"EPERM","message":"open map_nat: not permitted (EPERM)","hint":"run as root or with CAP_BPF and CAP_NET_ADMIN"}}\n',
	],
] as const)
	test(`what ends as ${how} exits ${code}, in text and JSON`, async (t) => {
		await prints(t, `fail ${how}`, { code, err: text });
		await prints(t, `fail ${how} --json`, { code, err: json });
		await prints(t, `--json fail ${how}`, { code, err: json });
	});

test("what nobody expected is called a bug and shows where it was", async (t) => {
	const { code, out, err } = await typed(["fail", "bug"]);
	t.is(code, 1);
	t.is(out, "");
	t.regex(
		err,
		/^sample: this is a bug in sample: TypeError: x is not a function\n {4}at /,
	);
});

test("a result is text, or one JSON document", async (t) => {
	await prints(t, "number 0x50", { out: "80\n" });
	await prints(t, "number 80 --json", { out: '{"n":80}\n' });
	await prints(t, "list", {});
	await prints(t, "list --json", { out: "[]\n" });
});

test("bad usage exits 2 and names what is wrong", async (t) => {
	const see = 'see "sample --help"';
	for (const [line, message] of [
		["get", `get: too few arguments: got 0, needs 1; ${see}`],
		["get 1 2 3", `get: unknown argument "3"; ${see}`],
		["get 1 2 3 4", `get: unknown arguments 3, 4; ${see}`],
		["get 1 --dep", `get: unknown argument "dep"; ${see}`],
		["get 1 --size", `get: not enough arguments following: size; ${see}`],
		["put 1", `put: too few arguments: got 1, needs 2; ${see}`],
		["go", `unknown argument "go"; ${see}`],
		["number x", 'number: n must be an integer from 0 to 65535, got "x"'],
	] as const)
		await prints(t, line, { code: 2, err: `sample: ${message}\n` });
	t.deepEqual(await typed([]), {
		code: 2,
		out: "",
		err: `sample: no command; ${see}\n`,
	});
	t.deepEqual(await typed(["--json"]), {
		code: 2,
		out: "",
		err: '{"error":{"code":"USAGE","message":"no command","hint":"see \\"sample --help\\""}}\n',
	});
});

test("the message names the command, not a value that reads like one", async (t) => {
	await prints(t, "--place get fail missing", {
		code: 3,
		err: "sample: fail: no tunnel 42\n",
	});
	await prints(t, "--place=x fail missing", {
		code: 3,
		err: "sample: fail: no tunnel 42\n",
	});
});

test("what comes after -- is a value, whatever it looks like", async (t) => {
	await prints(t, "list -- --json -x get", { out: "--json\n-x\nget\n" });
	await prints(t, "number -- --json", {
		code: 2,
		err: 'sample: number: n must be an integer from 0 to 65535, got "--json"\n',
	});
});

test("a negative number is a wrong value, not an option", async (t) => {
	await prints(t, "number -1", {
		code: 2,
		err: 'sample: number: n must be an integer from 0 to 65535, got "-1"\n',
	});
	await prints(t, "list a -1 b", { out: "a\n-1\nb\n" });
});

test("a message is one line, whatever was typed", async (t) => {
	t.deepEqual(await typed(["number", "1\n2\x1b[31m\x7f"]), {
		code: 2,
		out: "",
		err: 'sample: number: n must be an integer from 0 to 65535, got "1\\n2\\x1b[31m\\x7f"\n',
	});
});

test("--version prints the version", (t) =>
	prints(t, "--version", { out: "1.2.3\n" }));

test("--help names the commands, the options and the examples", async (t) => {
	const { code, out, err } = await typed(["--help"]);
	t.deepEqual([code, err], [0, ""]);
	for (const line of [
		/^sample: show how programs behave$/m,
		/^ +sample get <id\|all> \[group\] +Show one or all$/m,
		/^ +sample completion +Print a completion script for the shell$/m,
		/^ +--json +Print one JSON document/m,
		/^ +--bpffs +The bpffs to use/m,
		/^ +--place +Where/m,
	])
		t.regex(out, line);
	const { out: ofGet } = await typed(["get", "--help"]);
	for (const line of [
		/^sample get <id\|all> \[group\]$/m,
		/^ +id, all +Its number, or all/m,
		/^ +--deep +All of it/m,
		/^ +-s, --size +How much/m,
		/^ +sample get 1 --deep +All of number 1$/m,
	])
		t.regex(ofGet, line);
});

test("completion prints a script, and completes commands and options", async (t) => {
	const { code, out } = await typed(["completion"]);
	t.is(code, 0);
	t.regex(out, /^###-begin-sample-completions-###/);
	t.regex(out, /--get-yargs-completions/);
});

test("long options with one dash are those of a program that says so", async (t) => {
	const oneDash = { ...sample, oneDash: true };
	const deep = '{"id":"1","deep":true,"size":"3"}\n';
	await prints(t, "get 1 -deep -size 3", { out: deep }, oneDash);
	await prints(t, "get 1 --deep -size=3", { out: deep }, oneDash);
	await prints(t, "list -- -deep", { out: "-deep\n" }, oneDash);
	await prints(t, "get 1 -deep", {
		code: 2,
		err: (await typed(["get", "1", "-deep"])).err,
	});
});

test("a failure keeps what caused it", (t) => {
	const cause = new Error("why");
	const failure = new Failure("failed", "it broke", { cause, hint: "wait" });
	t.like(failure, { code: "FAILED", hint: "wait", cause });
});
