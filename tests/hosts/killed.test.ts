// Needs root and BPF: kills commands between one change of a table and the next.
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { cli, clis } from "../helpers/cli.js";
import { killedAt, writes } from "../helpers/killed.js";
import { script } from "../helpers/paths.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const OLD = "tcp 10.9.0.1 80 10.3.0.2 80 4 old-key";
const NEW = "tcp 10.9.0.1 81 10.3.0.2 81 5 new-key";

type Endpoint = { protocol: string; address: string; port: number };
type Tables = {
	services: { service: number; proxy: Endpoint; backend: Endpoint }[];
	encap: { backend: Endpoint; service: number }[];
	nat: { from: Endpoint; to: Endpoint }[];
};

/** A host with the programs' tables and two tunnels. */
async function hostWithTables(t: ExecutionContext): Promise<Host> {
	t.timeout(600_000);
	const bed = testbed(t);
	const host = await bed.host("host");
	await host.run(script("attach_tc"), ["lo"]);
	await clis(host, "cli_tunnel", [
		"set 4 10.2.0.2 6080 10.3.0.2 6080",
		"set 5 10.2.0.2 6080 10.3.0.3 6080",
	]);
	return host;
}

const services = async (host: Host): Promise<Tables> =>
	JSON.parse(
		(await cli(host, "cli_service get all --json --show-keys")).stdout,
	);

/** Whoever can be reached has all that belongs to it: nothing is translated that would then go in the clear. */
function reachableOnesAreComplete(t: ExecutionContext, tables: Tables): void {
	const name = (endpoint: Endpoint) => Object.values(endpoint).join(" ");
	const backends = tables.encap.map(({ backend }) => name(backend));
	const known = new Set(tables.services.map(({ service }) => service));
	for (const { service } of tables.encap) t.true(known.has(service));
	for (const { from, to } of tables.nat) {
		t.true([from, to].some((each) => backends.includes(name(each))));
	}
}

async function mended(
	t: ExecutionContext,
	host: Host,
	call: number,
): Promise<void> {
	const check = await cli(host, "cli_service check", { reject: false });
	t.like(check, { exitCode: 0, stdout: "0 findings" }, `call ${call}`);
}

const changes = {
	"set of a new service": { before: [], line: `cli_service set 1 2 ${NEW}` },
	"set that moves a service": {
		before: [`set 1 2 ${OLD}`],
		line: `cli_service set 1 2 ${NEW}`,
	},
	"del of a service": {
		before: [`set 1 2 ${OLD}`],
		line: "cli_service del 1 2",
	},
};

for (const [title, { before, line }] of Object.entries(changes)) {
	bpfTest(`a killed ${title} is mended by the next command`, async (t) => {
		const host = await hostWithTables(t);
		const reset = () => clis(host, "cli_service", ["del all", ...before]);
		await reset();
		const calls = await writes(host, line);
		t.true(calls.length > 3, `${calls}`);

		for (const call of calls) {
			await reset();
			t.true(await killedAt(host, line, call));
			reachableOnesAreComplete(t, await services(host));
			await cli(host, `cli_service set 1 2 ${NEW}`);
			await mended(t, host, call);
			const set = await services(host);
			t.is(set.services[0]?.proxy.port, 81);
			t.deepEqual(
				[set.services.length, set.encap.length, set.nat.length],
				[1, 1, 2],
			);

			await reset();
			t.true(await killedAt(host, line, call));
			await cli(host, "cli_service del 1 2 --if-exists");
			t.deepEqual(await services(host), { services: [], encap: [], nat: [] });

			await reset();
			t.true(await killedAt(host, line, call));
			await cli(host, "cli_service check --repair");
			await mended(t, host, call);
		}
	});
}

for (const [title, line] of [
	["set", "cli_tunnel set 4 10.2.0.9 6080 10.3.0.2 6080"],
	["del", "cli_tunnel del 4"],
] as const) {
	bpfTest(
		`a killed ${title} of a tunnel is mended by the next command`,
		async (t) => {
			const host = await hostWithTables(t);
			const reset = () =>
				clis(host, "cli_tunnel", ["set 4 10.2.0.2 6080 10.3.0.2 6080"]);
			const decap = async () => {
				const { stdout } = await cli(host, "cli_tunnel get all --json");
				const rows: { address: string; references: number }[] =
					JSON.parse(stdout).decap;
				return Object.fromEntries(
					rows.map(({ address, references }) => [address, references]),
				);
			};
			const calls = await writes(host, line);
			t.true(calls.length > 2, `${calls}`);

			for (const call of calls) {
				await reset();
				t.deepEqual(await decap(), { "10.2.0.2": 2 }, `call ${call}`);
				t.true(await killedAt(host, line, call));
				await cli(host, "cli_tunnel del 4 --if-exists");
				t.deepEqual(await decap(), { "10.2.0.2": 1 }, `call ${call}`);

				await reset();
				t.true(await killedAt(host, line, call));
				await cli(host, "cli_tunnel set 4 10.2.0.9 6080 10.3.0.2 6080");
				t.deepEqual(await decap(), { "10.2.0.2": 1, "10.2.0.9": 1 });
			}
		},
	);
}
