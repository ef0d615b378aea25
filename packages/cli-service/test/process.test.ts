// The built program, run as a person runs it.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { type PinnedTables, withTables } from "@sluice/cli-kit/testing";
import { verifyTable } from "@sluice/maps/tables";
import test from "ava";

const it = withTables(test);
const bin = path.join(import.meta.dirname, "../dist/cli_service.cjs");

/** Runs a line of a shell, in which `cli_service` is the program. */
function shell(line: string, { bpffs }: PinnedTables) {
	const { status, stdout, stderr } = spawnSync(
		"sh",
		["-c", `cli_service() { "$0" "$@"; }; ${line}`, bin],
		{ encoding: "utf8", env: { PATH: process.env.PATH, TC_BPF_MNT: bpffs } },
	);
	return { code: status, out: stdout, err: stderr };
}

const set = "cli_service set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100";
const shown =
	"VERIFY (1, 2) ->\t'(hidden)'\t100\t\t(tcp 5.5.5.5:3100)\t(tcp 1.1.1.1:4000)\n";

it("a key is typed, quoted, or comes from standard input", (t, tables) => {
	const verify = tables.open(verifyTable);
	const key = () => verify.get({ service: 1, group: 2 })?.key.toString();
	for (const [line, expected] of [
		[`${set} 'Pa55w0rd1234567'`, "Pa55w0rd1234567"],
		[`${set} -- '-dash'`, "-dash"],
		[`${set} 0042`, "0042"],
		[`(printf one; sleep 0.2; echo two) | ${set} --key-file -`, "onetwo"],
	] as const) {
		t.deepEqual(shell(line, tables), { code: 0, out: shown, err: "" });
		t.is(key(), expected.padEnd(16, "\0"));
	}
});

it("standard input that cannot be read is an error", (t, tables) => {
	for (const [input, message] of [
		["</", "read standard input: it is a directory (EISDIR)"],
		["</dev/null", "key must not be empty"],
	] as const)
		t.deepEqual(shell(`${set} --key-file - ${input}`, tables), {
			code: 2,
			out: "",
			err: `cli_service: set: ${message}\n`,
		});
});

it("a change loads none of Node's modules that take longer than itself", (t, tables) => {
	const hook = path.join(import.meta.dirname, "fixtures/slow-modules.cjs");
	const { err } = shell(
		`NODE_OPTIONS='--require ${hook}' ${set} Pa55w0rd1234567`,
		tables,
	);
	t.is(err, "loaded: \n");
});
