// Needs root and BPF: attaches programs in hosts of their own.
import { script } from "../../helpers/paths.js";
import { bpfTest, fails, hostWith, programs } from "../../helpers/scripts.js";

for (const name of ["eth0.10", "a-b_c.d", "up@down", "x@if7", "ingress"]) {
	bpfTest(`an interface may be called ${name}`, async (t) => {
		const host = await hostWith(t, name);

		const attached = await host.run(script("attach_tc"), [name, "ingress"]);
		t.true(attached.stdout.startsWith(`${name} ingress: pfc_ingress attached`));
		t.deepEqual(await programs(host, "ingress", name), ["7717 pfc_ingress"]);
		const shown = await host.run(script("show_tc"), [name, "ingress"]);
		t.regex(shown.stdout, /ours: program \d+/);
		await host.run(script("detach_tc"), [name, "ingress"]);
		t.deepEqual(await programs(host, "ingress", name), []);
		await fails(
			t,
			host,
			["attach_tc"],
			2,
			`attach_tc.sh: no default route to take the interface from; name one of: ${name}`,
		);
	});
}

bpfTest("without an interface it is that of the default route", async (t) => {
	const host = await hostWith(t);
	await host.run("ip", ["link", "add", "other", "type", "veth"]);
	await fails(
		t,
		host,
		["attach_tc"],
		2,
		/^attach_tc\.sh: no default route to take the interface from; name one of: .*\beth0\b/,
	);

	await host.route("default", "10.0.0.2");
	await host.route("default", "fd00::2");
	const attached = await host.run(script("attach_tc"), ["egress"]);
	t.regex(attached.stdout, /^eth0 egress: pfc_egress attached/);
	const detached = await host.run(script("detach_tc"));
	t.regex(detached.stdout, /^eth0 egress: pfc_egress detached/);

	await host.run("ip", ["link", "set", "other", "up"]);
	await host.run("ip", [
		...["route", "add", "default", "dev", "other", "metric", "9"],
	]);
	await fails(
		t,
		host,
		["attach_tc"],
		2,
		"attach_tc.sh: several default routes; name one of: eth0 other",
	);
});
