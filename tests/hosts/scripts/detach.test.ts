// Needs root and BPF: attaches programs in hosts of their own.
import { script } from "../../helpers/paths.js";
import {
	bpfTest,
	fails,
	hostWith,
	PINS,
	pins,
	pinsOfObjects,
	programs,
} from "../../helpers/scripts.js";

bpfTest("detach keeps the tables, --purge removes ours", async (t) => {
	const host = await hostWith(t);
	await host.run(script("attach_tc"), ["eth0"]);
	const attached = await pins(host);
	t.deepEqual(attached, pinsOfObjects());

	await host.run(script("detach_tc"), ["eth0"]);
	t.deepEqual(await pins(host), attached);

	for (const name of ["map_memo", "map_of_others"])
		await host.run("bpftool", [
			...["map", "create", `${PINS}/${name}`, "type", "array"],
			...["key", "4", "value", "4", "entries", "1", "name", name],
		]);
	const purged = await host.run(script("detach_tc"), ["eth0", "--purge"]);
	t.is(purged.stdout, `${PINS}: ${attached.length} tables removed`);
	t.deepEqual(await pins(host), ["map_of_others"]);
});

bpfTest("--purge refuses while the tables are in use elsewhere", async (t) => {
	const host = await hostWith(t);
	await host.run("ip", ["link", "add", "other", "type", "veth"]);
	await host.run(script("attach_tc"), ["eth0"]);
	await host.run(script("attach_tc"), ["other", "egress"]);

	await fails(
		t,
		host,
		["detach_tc", "eth0", "--purge"],
		1,
		"detach_tc.sh: the tables are in use on other egress; detach there first",
	);
	t.deepEqual(await programs(host, "ingress"), ["7717 pfc_ingress"]);
});

bpfTest("detach of nothing has an exit code of its own", async (t) => {
	const host = await hostWith(t);

	await fails(
		t,
		host,
		["detach_tc", "eth0"],
		3,
		"detach_tc.sh: eth0: nothing of ours is attached",
	);
	for (const allowed of ["--if-exists", "--purge"]) {
		const { exitCode } = await host.run(script("detach_tc"), ["eth0", allowed]);
		t.is(exitCode, 0, allowed);
	}
});

bpfTest("--purge without the objects changes nothing", async (t) => {
	const host = await hostWith(t);
	await host.run(script("attach_tc"), ["eth0"]);
	const attached = await pins(host);

	await fails(
		t,
		host,
		["detach_tc", "eth0", "--purge"],
		4,
		"detach_tc.sh: no pfc_ingress_tc.o in /nowhere; build it with make, or name its directory with SLUICE_BPF_DIR",
		{ SLUICE_BPF_DIR: "/nowhere" },
	);

	t.deepEqual(await pins(host), attached);
	t.deepEqual(await programs(host, "ingress"), ["7717 pfc_ingress"]);
});
