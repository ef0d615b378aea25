// Needs root and BPF: several commands at once, and tables that are full.
import { needs, testbed, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { cli } from "../helpers/cli.js";
import { compile } from "../helpers/compile.js";
import { script } from "../helpers/paths.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

bpfTest("two writers at once lose nothing of each other", async (t) => {
	t.timeout(600_000);
	const bed = testbed(t);
	const host = await bed.host("host");
	await host.run(script("attach_tc"), ["lo"]);
	await cli(host, "cli_tunnel set 4 10.2.0.2 6080 10.3.0.2 6080");
	const numbers = Array.from({ length: 15 }, (_, index) => index + 1);

	await Promise.all([
		// Each its own services and tunnels, which share local endpoints.
		...[1, 2].map(async (group) => {
			for (const number of numbers) {
				const id = 100 * group + number;
				await cli(host, `cli_tunnel set ${id} 10.2.0.2 6080 10.3.0.2 6080`);
				await cli(
					host,
					`cli_service set ${number} ${group} tcp 10.9.0.${group} ${number} 10.3.0.${group} ${number} ${id} key`,
				);
			}
		}),
		// And both of these the same service, with one endpoint or another.
		...[7000, 8000].map(async (base) => {
			for (const number of numbers) {
				const port = base + number;
				await cli(
					host,
					`cli_service set 9 9 udp 10.9.0.9 ${port} 10.3.0.9 ${port} 4 key${base}`,
				);
			}
		}),
	]);

	t.is((await cli(host, "cli_service check")).stdout, "0 findings");
	const all = JSON.parse(
		(await cli(host, "cli_service get all --json")).stdout,
	);
	t.is(all.services.length, 31);
	t.is(all.encap.length, 31);
	t.is(all.nat.length, 62);
	const tunnels = JSON.parse(
		(await cli(host, "cli_tunnel get all --json")).stdout,
	);
	t.is(tunnels.tunnels.length, 31);
	t.deepEqual(tunnels.decap, [
		{ protocol: "udp", address: "10.2.0.2", port: 6080, references: 31 },
	]);
});

/** The tunnel programs with room for four tunnels and four services. */
function smallObjects(t: ExecutionContext): string {
	const [ingress, egress] = ["pfc_ingress_tc", "pfc_egress_tc"];
	const source = (name: string) => `../../../bpf/tunnel/${name}.bpf.c`;
	const options = { define: { TABLE_ENTRIES: 4 } };
	const directory = compile(t, source(ingress), ingress, options);
	return compile(t, source(egress), egress, options, directory);
}

bpfTest("a full table refuses one more and keeps what it has", async (t) => {
	t.timeout(600_000);
	const bed = testbed(t);
	const host = await bed.host("host");
	await host.run(script("attach_tc"), ["lo"], {
		env: { SLUICE_BPF_DIR: smallObjects(t) },
	});
	const tunnel = (id: number, remote = "10.3.0.2") =>
		`cli_tunnel set ${id} 10.2.0.${id} 6080 ${remote} 6080`;
	const service = (id: number) =>
		`cli_service set ${id} 1 tcp 10.9.0.${id} 80 10.3.0.${id} 80 1 key`;
	const refused = async (line: string, table: string) => {
		const { exitCode, stdout, stderr } = await cli(host, line, {
			reject: false,
		});
		t.is(exitCode, 1);
		t.is(stdout, "");
		t.regex(stderr, new RegExp(`^\\w+: set: .*${table}.*full.*$`), stderr);
	};
	const services = async () =>
		JSON.parse((await cli(host, "cli_service get all --json")).stdout);
	for (const id of [1, 2, 3, 4]) {
		await cli(host, tunnel(id));
		await cli(host, service(id));
	}
	const tunnels = (await cli(host, "cli_tunnel get all --json")).stdout;
	const before = await services();

	await refused(tunnel(5), "map_tunnel");
	await refused(service(5), "map_verify");

	t.is((await cli(host, "cli_tunnel get all --json")).stdout, tunnels);
	t.deepEqual(await services(), before);
	t.is((await cli(host, "cli_service check")).stdout, "0 findings");

	// Existing rows can be changed, and deleted rows make room.
	await cli(host, tunnel(4, "10.3.0.99"));
	await cli(host, "cli_service del 4 1");
	await cli(host, service(5));
	t.is((await cli(host, "cli_service check")).stdout, "0 findings");
});

bpfTest("a service of which a part finds no room leaves no part", async (t) => {
	t.timeout(600_000);
	const bed = testbed(t);
	const host = await bed.host("host");
	await host.run(script("attach_tc"), ["lo"], {
		env: { SLUICE_BPF_DIR: smallObjects(t) },
	});
	await cli(host, "cli_tunnel set 1 10.2.0.1 6080 10.3.0.2 6080");
	// Unused rows, so that only one of the two rows of a service fits.
	for (let row = 1; row <= 7; row += 1) {
		const endpoint = [...Array(19).fill(0), row].map(String);
		await host.run("bpftool", [
			...["map", "update", "pinned", "/sys/fs/bpf/tc/globals/map_nat"],
			...["key", ...endpoint, "value", ...endpoint],
		]);
	}

	const { exitCode, stderr } = await cli(
		host,
		"cli_service set 1 1 tcp 10.9.0.1 80 10.3.0.1 80 1 key",
		{ reject: false },
	);

	t.is(exitCode, 1);
	t.regex(stderr, /map_nat.*full/);
	const { services, encap, nat } = JSON.parse(
		(await cli(host, "cli_service get all --json")).stdout,
	);
	t.deepEqual([services.length, encap.length, nat.length], [0, 0, 7]);
});
