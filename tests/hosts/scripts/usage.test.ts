// Needs root and BPF: attaches programs in hosts of their own.
import { asNobody } from "../../helpers/nobody.js";
import { script } from "../../helpers/paths.js";
import { bpfTest, fails, hostWith } from "../../helpers/scripts.js";

bpfTest("bad usage is an error before anything is done", async (t) => {
	const host = await hostWith(t);
	const usage = (line: string, ...args: string[]) =>
		fails(t, host, ["attach_tc", ...args], 2, `attach_tc.sh: ${line}`);

	await usage(
		'the direction must be ingress or egress, got "up"; see attach_tc.sh --help',
		...["eth0", "up"],
	);
	await usage(
		'unexpected argument "more"; see attach_tc.sh --help',
		...["eth0", "ingress", "more"],
	);
	await usage(
		'unknown option "--purge"; see attach_tc.sh --help',
		...["eth0", "--purge"],
	);
	await usage(
		"the interface must not be empty; leave it out for that of the default route; see attach_tc.sh --help",
		...["", "ingress"],
	);
	await fails(
		t,
		host,
		["reattach_tc", "--migrate", "--entries="],
		2,
		"reattach_tc.sh: --entries needs a value; see reattach_tc.sh --help",
	);
	for (const entries of ["many", "99999999999"])
		await fails(
			t,
			host,
			["reattach_tc", "--migrate", `--entries=${entries}`],
			2,
			`reattach_tc.sh: --entries must be an integer from 1 to 2147483647, got "${entries}"; see reattach_tc.sh --help`,
		);
	await fails(
		t,
		host,
		["attach_tc", "eth0"],
		2,
		'attach_tc.sh: SLUICE_TC_PREF must be an integer from 1 to 65535, got "70000"',
		{ SLUICE_TC_PREF: "70000" },
	);
	await fails(
		t,
		host,
		["attach_tc", "eth1"],
		3,
		'attach_tc.sh: no interface "eth1"; there are: eth0',
	);
	await fails(
		t,
		host,
		["attach_tc", "eth0"],
		4,
		"attach_tc.sh: no pfc_ingress_tc.o in /nowhere; build it with make, or name its directory with SLUICE_BPF_DIR",
		{ SLUICE_BPF_DIR: "/nowhere" },
	);
	const help = await host.run(script("attach_tc"), ["--help"]);
	t.regex(help.stdout, /^attach_tc\.sh \[<interface>\] \[ingress\|egress\]/);
});

for (const name of ["attach_tc", "detach_tc", "reattach_tc", "show_tc"]) {
	bpfTest(`${name}.sh without root is one clear line`, async (t) => {
		const host = await hostWith(t);
		const result = await asNobody(host, name, "eth0");
		t.like(result, {
			exitCode: 4,
			stdout: "",
			stderr: `${name}.sh: not permitted; run as root`,
		});
	});
}
