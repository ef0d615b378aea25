// Needs root and BPF: attaches programs in hosts of their own.
import type { Host } from "@sluice/testbed";
import { cli } from "../../helpers/cli.js";
import { script } from "../../helpers/paths.js";
import {
	bpfTest,
	fails,
	hostWith,
	PINS,
	pins,
	pinsOfObjects,
} from "../../helpers/scripts.js";

const tunnels = async (host: Host) =>
	(await cli(host, "cli_tunnel get all")).stdout;

for (const [title, lose] of [
	["the pins are removed", ["-ec", `rm ${PINS}/*`]],
	// The machine's own is below the host's.
	[
		"the bpffs is unmounted",
		["-ec", "while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done"],
	],
] as const)
	bpfTest(
		`where ${title}, attach and reattach pin the tables of the programs again`,
		async (t) => {
			const host = await hostWith(t);
			await host.run(script("attach_tc"), ["eth0"]);
			await cli(host, "cli_tunnel set 100 10.0.0.1 6080 10.0.0.2 6080");
			const before = await tunnels(host);
			for (const name of ["reattach_tc", "attach_tc"]) {
				await host.run("sh", lose);
				const { stdout } = await host.run(script(name), ["eth0"]);
				t.regex(stdout, /^map_tunnel: pinned again, 1 entry$/m);
				t.is(await tunnels(host), before);
				t.deepEqual(await pins(host), pinsOfObjects());
				t.is((await host.run(script("show_tc"), ["eth0"])).stderr, "");
			}
		},
	);

bpfTest(
	"an interface that is attached later shares the tables of the others",
	async (t) => {
		const host = await hostWith(t);
		await host.run("ip", [
			...["link", "add", "eth1", "type", "veth", "peer", "name", "eth2"],
		]);
		await host.run(script("attach_tc"), ["eth0"]);
		await cli(host, "cli_tunnel set 100 10.0.0.1 6080 10.0.0.2 6080");
		const before = await tunnels(host);
		await host.run("sh", ["-ec", `rm ${PINS}/*`]);

		await host.run(script("attach_tc"), ["eth1"]);

		t.is(await tunnels(host), before);
		t.is((await host.run(script("show_tc"), ["eth0"])).stderr, "");
	},
);

bpfTest(
	"other tables than the pinned ones are refused, with what would be lost",
	async (t) => {
		const host = await hostWith(t);
		await host.run(script("attach_tc"), ["eth0"]);
		await cli(host, "cli_tunnel set 100 10.0.0.1 6080 10.0.0.2 6080");
		const live = await tunnels(host);
		await host.run("sh", [
			"-ec",
			`rm ${PINS}/map_tunnel
			bpftool map create ${PINS}/map_tunnel name map_tunnel type hash key 4 value 48 entries 262144 flags 1`,
		]);
		for (const name of ["reattach_tc", "attach_tc"])
			await fails(
				t,
				host,
				[name, "eth0"],
				1,
				/^\w+\.sh: the attached programs use other tables than the pinned ones: map_tunnel of program \d+ has 1 entry, the pinned one 0; nothing was changed; to keep those of the programs remove the pins in \/sys\/fs\/bpf\/tc\/globals, to lose them add --drop-live; then run it again$/,
			);

		await host.run("rm", [`${PINS}/map_tunnel`]);
		await host.run(script("reattach_tc"), ["eth0"]);
		t.is(await tunnels(host), live);

		await host.run("rm", [`${PINS}/map_tunnel`]);
		await host.run("bpftool", [
			...["map", "create", `${PINS}/map_tunnel`, "name", "map_tunnel"],
			...["type", "hash", "key", "4", "value", "48", "entries", "262144"],
			...["flags", "1"],
		]);
		await host.run(script("reattach_tc"), ["eth0", "--drop-live"]);
		t.not(await tunnels(host), live);
		t.is((await host.run(script("show_tc"), ["eth0"])).stderr, "");
	},
);
