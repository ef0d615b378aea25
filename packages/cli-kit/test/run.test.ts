import test from "ava";
import { type Cli, command, type Env, Failure } from "../src/index.js";
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
	[
		"program",
		4,
		"sample: fail: ip: no such program (ENOENT); install iproute2 (Debian: apt-get install iproute2)\n",
		'{"error":{"code":"ENOENT","message":"ip: no such program (ENOENT)","hint":"install iproute2 (Debian: apt-get install iproute2)"}}\n',
	],
] as const)
	test(`what ends as ${how} exits ${code}, in text and JSON`, async (t) => {
		await prints(t, `fail ${how}`, { code, err: text });
		await prints(t, `fail ${how} --json`, { code, err: json });
		await prints(t, `--json fail ${how}`, { code, err: json });
	});

test("an unexpected exception is called a bug and shows its stack", async (t) => {
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

test("a mistake exits 2, names what is wrong and shows the usage", async (t) => {
	const usageOfGet = "get <id>|all [<group>] [--deep] [--size <size>]";
	for (const [line, message, usage] of [
		["get", "get: missing: <id>|all", usageOfGet],
		["get 1 2 3", 'get: unexpected argument "3"', usageOfGet],
		[
			"get 1 --dep",
			'get: unknown option "--dep"; did you mean "--deep"?',
			usageOfGet,
		],
		["get 1 --xyz=a", 'get: unknown option "--xyz"', usageOfGet],
		["get 1 --size", 'get: "--size" needs a value', usageOfGet],
		["get 1 --bpffs=", 'get: "--bpffs" needs a value', usageOfGet],
		["get 1 --size --deep", 'get: "--size" needs a value', usageOfGet],
		["get 1 --deep=x", 'get: "--deep" takes no value', usageOfGet],
		["put 1", "put: missing: <words>...", "put <id> <words>..."],
		[
			"pick",
			"pick: missing: all or <row>",
			"pick all | sample pick <row> <column>",
		],
		["place", "place: missing: <what> <how>", "place [<where>] <what> <how>"],
	] as const)
		await prints(t, line, {
			code: 2,
			err: `sample: ${message}\nusage: sample ${usage}\n`,
		});
	await prints(t, "number x", {
		code: 2,
		err: 'sample: number: n must be an integer from 0 to 65535, got "x"\n',
	});
	await prints(t, "put --json", {
		code: 2,
		err: '{"error":{"code":"USAGE","message":"missing: <id> <words>...","usage":"sample put <id> <words>..."}}\n',
	});
});

test("an unknown command is an error that suggests a known one", async (t) => {
	for (const [line, message] of [
		["gte 1", 'unknown command "gte"; did you mean "get"?'],
		["show 1", 'unknown command "show"; did you mean "get"?'],
		[
			"nothing-like-it",
			'unknown command "nothing-like-it"; see "sample --help"',
		],
		["-_", 'unknown option "-_"; see "sample --help"'],
		["--jsno get", 'unknown option "--jsno"; did you mean "--json"?'],
	] as const)
		await prints(t, line, { code: 2, err: `sample: ${message}\n` });
	t.deepEqual(await typed([]), {
		code: 2,
		out: "",
		err: 'sample: no command; see "sample --help"\n',
	});
	t.deepEqual(await typed(["--json"]), {
		code: 2,
		out: "",
		err: '{"error":{"code":"USAGE","message":"no command","hint":"see \\"sample --help\\""}}\n',
	});
});

test("where an argument is a secret, no error repeats a word", async (t) => {
	for (const line of [
		"lock hunter2 1",
		"lock 1 hunter2 hunter2",
		"lock 1 --hunter2",
		"lock 1 -hunter2",
		"lock 1 --key=hunter2",
		"lock 1 --hunter2=hunter2",
		"lock 1 --force=hunter2",
		"lock --force hunter2 1",
	]) {
		const { code, out, err } = await typed(line.split(" "));
		t.deepEqual([code, out], [2, ""], line);
		t.notRegex(err, /hunter/, line);
		t.regex(err, /^sample: lock: ./, line);
	}
	await prints(t, "lock x 1", {
		code: 2,
		err: "sample: lock: door must be an integer from 0 to 65535\n",
	});
	await prints(t, "lock 1 -- --hunter2", { out: "1 9\n" });
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

test("--version prints the version, with any command too", async (t) => {
	await prints(t, "--version", { out: "1.2.3\n" });
	await prints(t, "get --version", { out: "1.2.3\n" });
	await prints(t, "--version --json", { out: '{"version":"1.2.3"}\n' });
});

test("--help names the commands, the options and the examples", async (t) => {
	const { code, out, err } = await typed(["--help"]);
	t.deepEqual([code, err], [0, ""]);
	for (const line of [
		/^sample: show how programs behave$/m,
		/^ +sample get <id>\|all \[<group>\] +Show one or all$/m,
		/^ +sample pick all +Show all or one$/m,
		/^ +sample pick <row> <column> +Show all or one$/m,
		/^ +sample completion \[<shell>\] +Print a completion script for the shell$/m,
		/^ +--json +Print one JSON document/m,
		/^ +--bpffs +The bpffs to use/m,
		/^ +--place +Where/m,
	])
		t.regex(out, line);
	const { out: ofGet } = await typed(["get", "--help"]);
	for (const line of [
		/^sample get <id>\|all \[<group>\]$/m,
		/^ +id +Its number, or all/m,
		/^ +--deep +All of it/m,
		/^ +-s, --size +How much/m,
		/^ +sample get 1 --deep +All of number 1$/m,
	])
		t.regex(ofGet, line);
	t.is((await typed(["get", "1", "2", "3", "--nonsense", "-h"])).out, ofGet);
});

test("--help is as wide as the terminal, up to 100 columns", async (t) => {
	for (const [columns, widest] of [
		[40, 40],
		[80, 80],
		[200, 100],
	] as const) {
		const { out } = await typed(["--help"], sample, { columns });
		const longest = Math.max(...out.split("\n").map(({ length }) => length));
		t.true(longest <= widest && longest > widest - 15, `${longest}`);
	}
});

test("--help --json is the description of the commands", async (t) => {
	const { code, out } = await typed(["--help", "--json"]);
	const { commands, ...cli } = JSON.parse(out);
	t.is(code, 0);
	t.like(cli, { name: "sample", version: "1.2.3" });
	t.deepEqual(commands[0], {
		usage: ["get <id>|all [<group>]"],
		summary: "Show one or all",
		arguments: { id: "Its number, or all" },
		options: {
			deep: { type: "boolean", describe: "All of it" },
			size: { type: "string", describe: "How much", alias: "s" },
		},
		examples: [{ line: "get 1 --deep", does: "All of number 1" }],
	});
	const one = JSON.parse((await typed(["pick", "--json", "--help"])).out);
	t.deepEqual(
		one.commands.map(({ usage }: { usage: string[] }) => usage),
		[["pick all", "pick <row> <column>"]],
	);
});

test("completion prints the script of a shell", async (t) => {
	const bash = await typed(["completion", "bash"]);
	t.regex(bash.out, /^# bash completion for sample\n/);
	t.deepEqual(await typed(["completion"], sample, { vars: {} }), bash);
	t.deepEqual(
		await typed(["completion"], sample, { vars: { SHELL: "/bin/dash" } }),
		bash,
	);
	const zsh = await typed(["completion", "zsh"]);
	t.regex(zsh.out, /^#compdef sample\n/);
	t.deepEqual(
		await typed(["completion"], sample, { vars: { SHELL: "/usr/bin/zsh" } }),
		zsh,
	);
	t.regex((await typed(["completion", "fish"])).out, /^# fish completion/);
	await prints(t, "completion tcsh", {
		code: 2,
		err: 'sample: completion: shell must be bash, zsh or fish, got "tcsh"\n',
	});
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

test("red is for a terminal, unless NO_COLOR is set", async (t) => {
	const red: Cli = {
		name: "red",
		summary: "print in red",
		version: "1",
		commands: [
			command({
				usage: "$0",
				summary: "Print",
				kernel: false,
				parse: () => undefined,
				run: (_, context) => {
					context.print([context.red("drop")], {});
					context.warn("careful");
				},
			}),
		],
	};
	const err = "red: careful\n";
	const printed = (env: Partial<Env>) => typed([], red, env);
	t.deepEqual(await printed({ isTerminal: true }), {
		code: 0,
		out: "\x1b[31mdrop\x1b[39m\n",
		err,
	});
	const plain = { code: 0, out: "drop\n", err };
	t.deepEqual(await printed({ isTerminal: false }), plain);
	t.deepEqual(
		await printed({ isTerminal: true, vars: { NO_COLOR: "1" } }),
		plain,
	);
	t.deepEqual(await typed(["--json"], red), {
		code: 0,
		out: "{}\n",
		err: '{"warning":{"message":"careful"}}\n',
	});
});
