// Completion at the prompt of interactive shells. Needs root and a kernel with BPF.
import path from "node:path";
import { onTerminal, withTables } from "@sluice/cli-kit/testing";
import test from "ava";
import { cli } from "../src/cli.js";

const it = withTables(test.serial as typeof test);
const dist = path.join(import.meta.dirname, "../dist");
const bin = path.join(dist, "cli_tunnel.cjs");

/** Ctrl-U, in either shell. */
const DISCARD_LINE = "\x15";

/** How a shell without anybody's own settings is started, and reads the script. */
const shells = {
	bash: {
		words: ["bash", "--norc", "--noprofile", "-i"],
		start: `PS1='>'; cli_tunnel() { ${bin} "$@"; }; source ${dist}/completions/cli_tunnel.bash; echo rea''dy\n`,
	},
	zsh: {
		words: ["zsh", "-f", "-i"],
		start: `PS1='>'; autoload -Uz compinit && compinit -u -D; cli_tunnel() { ${bin} "$@"; }; source ${dist}/completions/_cli_tunnel; echo rea''dy\n`,
	},
} as const;

for (const shell of ["bash", "zsh"] as const)
	it(`${shell} completes commands, options, ids and files`, async (t, tables) => {
		t.timeout(120_000);
		await tables.run(cli, "set 31337 10.0.0.1 6080 0 0");
		const { words, start } = shells[shell];
		const size = { rows: 40, columns: 100 };
		const terminal = onTerminal([...words], size, {
			TC_BPF_MNT: tables.bpffs,
			TERM: "dumb",
			HOME: "/nonexistent",
		});
		terminal.type(start);
		await terminal.shows(/ready\s[\s\S]*>/);
		// Each is shown by its own line alone.
		for (const [typed, shown] of [
			["cli_tunnel pi", /cli_tunnel ping/],
			["cli_tunnel get 3", /get 31337/],
			["cli_tunnel set 100 10.0.0.1 6080 0 0 --re", /--reset-remote/],
			["cli_tunnel --json del --if", /--if-exists/],
			["cli_tunnel batch /etc/ld.so.cac", /ld\.so\.cache/],
			["cli_tunnel --bpffs /sy", /\/sys/],
		] as const) {
			t.notRegex(terminal.printed, shown);
			terminal.type(`${typed}\t`);
			await terminal.shows(shown);
			terminal.type(DISCARD_LINE);
		}
		// Its terminal goes with it, and the shell with that.
		terminal.kill("SIGKILL");
		await terminal.ended;
	});
