// The built program, run as a person or a control plane runs it. Needs root: makes a namespace, loads programs.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import test, { type ExecutionContext } from "ava";
import { kernelTest, ownHost } from "./helpers/own-host.js";

const bin = path.join(import.meta.dirname, "../dist/tubectl.cjs");

test.before(ownHost);
test.afterEach.always(() => tubectl("unload"));

/** Runs it to its end. */
function tubectl(...args: string[]) {
	const { status, stdout, stderr } = spawnSync(bin, args, { encoding: "utf8" });
	return { code: status, out: stdout, err: stderr };
}

/** Runs it with lines on standard input. */
function withInput(args: string[], ...lines: string[]) {
	const { status, stdout, stderr } = spawnSync(bin, args, {
		encoding: "utf8",
		input: lines.map((line) => `${line}\n`).join(""),
	});
	return { code: status, out: stdout, err: stderr };
}

/** What the bindings come to, as lines. */
const saved = () => tubectl("save").out.trimEnd().split("\n");

/** A stream that goes on beside the test: `ask` sends a line and waits for its answer. */
function stream(t: ExecutionContext, ...options: string[]) {
	const child = spawn(bin, ["batch", "--stream", "-", ...options]);
	t.teardown(() => child.kill());
	const answers = createInterface({ input: child.stdout })[
		Symbol.asyncIterator
	]();
	let err = "";
	child.stderr.setEncoding("utf8").on("data", (text) => {
		err += text;
	});
	const ended = once(child, "close");
	return {
		async ask(line: string): Promise<string> {
			child.stdin.write(`${line}\n`);
			return (await answers.next()).value;
		},
		async end() {
			child.stdin.end();
			const [code] = await ended;
			return { code, err };
		},
	};
}

const foo = "bind foo tcp 127.0.0.0/24 80";

kernelTest("a stream answers each line before the next is sent", async (t) => {
	tubectl("load");
	const { ask, end } = stream(t);
	t.is(await ask(foo), "ok\tbound foo#tcp:[127.0.0.0/24]:80");
	t.deepEqual(saved(), ["bind foo tcp 127.0.0.0/24 80"]);
	t.is(await ask("# a word between"), "ok");
	t.is(
		await ask("bind foo tcp 127.0.0.1/33 80"),
		'error\tprefix must have a prefix length from 0 to 32, got "127.0.0.1/33"',
	);
	t.is(
		await ask("unbind bar tcp 127.0.0.0/24 80"),
		'error\tno binding bar#tcp:[127.0.0.0/24]:80: it leads to "foo"',
	);
	t.is(
		await ask("unbind foo tcp 127.0.0.0/24 80"),
		"ok\tRemoved foo#tcp:[127.0.0.0/24]:80",
	);
	t.deepEqual(await end(), {
		code: 1,
		err: "tubectl: batch: 2 of 5 lines failed\n",
	});
	t.is(tubectl("save").out, "");
});

kernelTest("with --json each answer is a document", async (t) => {
	tubectl("load");
	const { ask, end } = stream(t, "--json");
	t.deepEqual(JSON.parse(await ask(foo)), {
		bound: { label: "foo", protocol: "tcp", prefix: "127.0.0.0/24", port: 80 },
	});
	t.deepEqual(JSON.parse(await ask("unbind foo udp ::1 1")), {
		error: { code: "NOT_FOUND", message: "no binding foo#udp:[::1/128]:1" },
	});
	t.deepEqual(JSON.parse(await ask("")), {});
	t.is((await end()).code, 1);
});

kernelTest("a stream sees what others do between its lines", async (t) => {
	const { ask, end } = stream(t);
	const other = (command: string) => {
		const { code, err } = tubectl(...command.split(" "));
		t.is(code, 0, err);
	};
	const notLoaded =
		/^error\tdispatcher not loaded in .*; load it with "tubectl load"$/;
	t.regex(await ask(foo), notLoaded);
	other("load");
	t.regex(await ask(foo), /^ok/);
	other("unbind foo tcp 127.0.0.0/24 80");
	t.regex(await ask("unbind foo tcp 127.0.0.0/24 80"), /^error\tno binding/);
	// With the index, the table is one that only its program may write.
	for (const command of ["upgrade --index", "upgrade"]) {
		t.regex(await ask("bind foo tcp 127.0.0.1 81"), /^ok/);
		other(command);
		t.regex(await ask("bind bar tcp 127.0.0.1 81"), /^ok/);
		t.deepEqual(saved(), ["bind bar tcp 127.0.0.1/32 81"], command);
	}
	other("unload");
	t.regex(await ask(foo), notLoaded);
	other("load");
	t.regex(await ask(foo), /^ok/);
	t.deepEqual(saved(), [foo]);
	t.is((await end()).code, 1);
});

kernelTest("batch, save and restore pass lines on", (t) => {
	tubectl("load");
	t.deepEqual(withInput(["batch", "-"], foo, "bind 'a b' udp ::/0 0"), {
		code: 0,
		out: "2 lines: 2 rows written, 0 deleted\n",
		err: "",
	});
	t.deepEqual(withInput(["batch", "-"], foo, "bind foo tcp 1.2.3 80"), {
		code: 2,
		out: "",
		err: 'tubectl: batch: line 2: prefix must be an IP address or a prefix such as 192.0.2.0/24, got "1.2.3"\ntubectl: batch: 1 error: nothing was changed\n',
	});
	const lines = saved();
	t.deepEqual(lines, [foo, "bind 'a b' udp ::/0 0"]);
	tubectl("unload");
	tubectl("load");
	t.deepEqual(withInput(["restore", "-"], ...lines), {
		code: 0,
		out: "2 lines: 2 rows written, 0 deleted\n",
		err: "",
	});
	t.deepEqual(saved(), lines);
});
