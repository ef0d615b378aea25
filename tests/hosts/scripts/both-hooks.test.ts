// Needs root and BPF: attaches programs in hosts of their own.
import type { Host } from "@sluice/testbed";
import type { ExecutionContext } from "ava";
import { script } from "../../helpers/paths.js";
import { bpfTest, hostWith, pins, programs } from "../../helpers/scripts.js";

/** How many hooks of eth0 have our program. */
const attached = async (host: Host) =>
	(await programs(host, "ingress")).length +
	(await programs(host, "egress")).length;

/** Runs a line; its descriptor 3 is a pipe whose reader has ended. */
const run = (host: Host, line: string) =>
	host.run("bash", ["-c", `exec 3> >(:); wait $!; ${line}`], { reject: false });

for (const [title, output] of [
	["is full", ">/dev/full"],
	["is closed", ">&-"],
	["is a pipe that nobody reads", ">&3"],
] as const)
	bpfTest(
		`attach and detach do both hooks where standard output ${title}`,
		async (t) => {
			const host = await hostWith(t);
			const attach = await run(host, `${script("attach_tc")} eth0 ${output}`);
			t.is(
				attach.stderr,
				"attach_tc.sh: attached, but standard output cannot be written",
			);
			t.is(await attached(host), 2);
			const reattach = await run(
				host,
				`${script("reattach_tc")} eth0 ${output}`,
			);
			t.regex(reattach.stderr, /: reattached, but standard output/);
			t.is(await attached(host), 2);
			const detach = await run(host, `${script("detach_tc")} eth0 ${output}`);
			t.is(
				detach.stderr,
				"detach_tc.sh: detached, but standard output cannot be written",
			);
			t.is(await attached(host), 0);
		},
	);

/** Runs a script with a `tc` that sends a signal to the script before its n-th change of a filter. */
async function signalled(
	t: ExecutionContext,
	host: Host,
	line: string,
	signal: string,
	change: number,
): Promise<void> {
	await host.run("sh", [
		"-ec",
		`mkdir -p /run/wrap 2>/dev/null; mount -t tmpfs none /run; mkdir /run/wrap
		cat >/run/wrap/tc <<'END'
#!/bin/bash
if [[ $1 == filter && $2 == @(replace|del) ]]; then
	echo >>/run/changes
	[[ $(wc -l </run/changes) != ${change} ]] || kill -${signal} -- -$(ps -o pgid= $$ | tr -d ' ')
fi
exec /usr/sbin/tc "$@"
END
		chmod +x /run/wrap/tc`,
	]);
	await run(host, `PATH=/run/wrap:$PATH setsid -w ${line}`);
	await host.run("umount", ["/run"]);
	t.pass();
}

for (const signal of ["INT", "TERM", "HUP"])
	for (const change of [1, 2])
		bpfTest(
			`SIG${signal} at change ${change} leaves both hooks attached, or both detached`,
			async (t) => {
				const host = await hostWith(t);
				await signalled(t, host, `${script("attach_tc")} eth0`, signal, change);
				t.is(await attached(host), 2);
				await signalled(t, host, `${script("detach_tc")} eth0`, signal, change);
				t.is(await attached(host), 0);
			},
		);

bpfTest(
	"killed after the first hook, attach leaves egress, and detach too",
	async (t) => {
		const host = await hostWith(t);
		await signalled(t, host, `${script("attach_tc")} eth0`, "KILL", 2);
		t.deepEqual(await programs(host, "ingress"), []);
		t.deepEqual(await programs(host, "egress"), ["7717 pfc_egress"]);
		await host.run(script("attach_tc"), ["eth0"]);
		await signalled(t, host, `${script("detach_tc")} eth0`, "KILL", 2);
		t.deepEqual(await programs(host, "ingress"), []);
		t.deepEqual(await programs(host, "egress"), ["7717 pfc_egress"]);
	},
);

bpfTest(
	"where ingress cannot be attached, egress is taken off again",
	async (t) => {
		const host = await hostWith(t);
		const wrap = (direction: string) =>
			`mount -t tmpfs none /run; printf '#!/bin/sh\\ncase "$*" in *replace*${direction}*) echo no >&2; exit 2;; esac\\nexec /usr/sbin/tc "$@"\\n' >/run/tc; chmod +x /run/tc
			PATH=/run:$PATH ${script("attach_tc")} eth0`;
		const result = await run(host, wrap("ingress"));
		t.is(result.exitCode, 1);
		t.regex(
			result.stderr,
			/^attach_tc\.sh: eth0 ingress: load \S+\/pfc_ingress_tc\.o: no$/,
		);
		t.is(await attached(host), 0);
		t.deepEqual(await pins(host), []);
	},
);
