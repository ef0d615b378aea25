// Needs root and BPF: attaches programs in hosts of their own.
import { compile } from "../../helpers/compile.js";
import { script } from "../../helpers/paths.js";
import { addForeign, bpfTest, hostWith, PINS } from "../../helpers/scripts.js";

bpfTest("show marks ours with its program and its tables", async (t) => {
	const host = await hostWith(t);
	t.is(
		(await host.run(script("show_tc"), ["eth0"])).stdout,
		"eth0 ingress\n  no filter\neth0 egress\n  no filter",
	);
	await host.run(script("attach_tc"), ["eth0"]);

	const shown = await host.run(script("show_tc"), ["eth0"]);

	t.is(shown.stderr, "");
	t.regex(
		shown.stdout,
		/^eth0 ingress\n {2}protocol all pref 7717 bpf .*name pfc_ingress .*\n {4}ours: program \d+, tables .*map_tunnel:\d+.*\neth0 egress\n/,
	);
});

bpfTest("show warns of a filter before ours, not of one after", async (t) => {
	const host = await hostWith(t);
	const directory = compile(t, "foreign.bpf.c", "foreign");
	await host.run(script("attach_tc"), ["eth0"]);
	await addForeign(host, directory, "ingress", "9000");
	t.is((await host.run(script("show_tc"), ["eth0"])).stderr, "");

	await addForeign(host, directory, "ingress", "10");
	const shown = await host.run(script("show_tc"), ["eth0"]);
	t.is(shown.exitCode, 0);
	t.regex(
		shown.stderr,
		/^show_tc\.sh: warning: eth0 ingress: protocol all pref 10 bpf .*name foreign .* runs before ours: packets it decides about never reach ours$/,
	);
});

bpfTest("show warns of programs with other tables than the pins", async (t) => {
	const host = await hostWith(t);
	await host.run(script("attach_tc"), ["eth0"]);
	await host.run("rm", [`${PINS}/map_tunnel`]);

	const missing = await host.run(script("show_tc"), ["eth0"], {
		reject: false,
	});
	t.is(missing.exitCode, 1);
	t.regex(
		missing.stderr,
		/warning: eth0 ingress: program \d+ uses map \d+ as map_tunnel, the pin in \/sys\/fs\/bpf\/tc\/globals is not there/,
	);

	await host.run("bpftool", [
		...["map", "create", `${PINS}/map_tunnel`, "name", "map_tunnel"],
		...["type", "hash", "key", "4", "value", "48", "entries", "262144"],
		...["flags", "1"],
	]);
	const split = await host.run(script("show_tc"), ["eth0"], { reject: false });
	t.is(split.exitCode, 1);
	t.regex(
		split.stderr,
		/eth0 egress: program \d+ uses map \d+ as map_tunnel, the pin in \S+ is \d+\nshow_tc\.sh: the attached programs and \S+ have different tables; reattach_tc\.sh makes them one$/,
	);

	await host.run(script("reattach_tc"), ["eth0"]);
	t.is((await host.run(script("show_tc"), ["eth0"])).stderr, "");
});
