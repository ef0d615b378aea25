// Needs root, BPF and etcd: the store goes away, loses its history, or is not there at a boot.
import { PinnedTables } from "@sluice/cli-kit/testing";
import { tunnelTable } from "@sluice/maps/tables";
import { changed, gateway } from "./helpers/documents.js";
import { it } from "./helpers/fleet.js";

it("etcd is killed and comes back: the kernel keeps what it has, and nothing is missed", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push - --wait", gateway("gw1", 5));
	const before = await gw1.kernel();
	const [etcd] = fleet.members;
	await etcd?.stop();
	const { code, err } = await fleet.cli("push -", gateway("gw1", 6));
	t.is(code, 1);
	t.regex(
		err,
		/^cli_fleet: push: etcd: .*ECONNREFUSED.*; look whether etcd runs/,
	);
	t.deepEqual(await gw1.kernel(), before);
	await etcd?.start();
	t.is((await fleet.cli("push - --wait", gateway("gw1", 6))).code, 0);
	const now = await gw1.kernel();
	t.is(now.document.services.length, 6);
	t.false(now.drifted);
	t.deepEqual(gw1.findings(), []);
});

it("a change whose revision is compacted before the agent has it is found by a listing", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push - --wait", gateway("gw1", 5));
	await gw1.stop();
	// While no agent watches: rows change and go, and the history of it goes, too.
	await fleet.cli(
		"push -",
		changed((c) => {
			c.services.shift();
		}, 5),
	);
	await fleet.cli("push -", gateway("gw1", 8));
	const { revision } = await fleet.etcd.list(fleet.paths.names);
	await fleet.etcd.call(({ kv }) => kv.compact({ revision, physical: true }));
	gw1.start();
	await gw1.applied(3);
	const now = await gw1.kernel();
	t.is(now.document.services.length, 8);
	t.false(now.drifted);
	t.deepEqual(gw1.findings(), []);
});

it("an agent that starts again leaves what is right, and mends what was changed meanwhile", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push - --wait", gateway("gw1", 5));
	await fleet.cli("push - --wait", gateway("gw1", 6));
	const before = await gw1.kernel();
	const again = async () => {
		await gw1.stop();
		const since = Date.now();
		gw1.start();
		await gw1.until(
			(status) => status.source === "etcd" && Date.parse(status.since) >= since,
		);
	};
	await again();
	t.deepEqual(await gw1.kernel(), before);
	await gw1.stop();
	gw1.tables.open(tunnelTable).delete(101);
	t.true((await gw1.kernel()).drifted);
	await again();
	t.deepEqual(await gw1.kernel(), before);
	t.deepEqual(gw1.findings(), []);
});

it("a machine that boots without etcd has what it had, and etcd's news afterwards", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	// More than a line of the file, and more than is compared row by row.
	await fleet.cli("push - --wait", gateway("gw1", 5));
	await fleet.cli("push - --wait", gateway("gw1", 600));
	await gw1.stop();
	const before = await gw1.kernel();
	const [etcd] = fleet.members;
	await etcd?.stop();
	// Booted: the tables are empty.
	gw1.tables.close();
	gw1.tables = new PinnedTables();
	gw1.start();
	while ((await gw1.kernel()).generation !== 2)
		await new Promise((resolve) => setTimeout(resolve, 20));
	t.deepEqual((await gw1.kernel()).document, before.document);
	await etcd?.start();
	await gw1.applied(2);
	t.is((await fleet.cli("push - --wait", gateway("gw1", 601))).code, 0);
	t.is((await gw1.kernel()).document.services.length, 601);
	t.false((await gw1.kernel()).drifted);
	t.deepEqual(gw1.findings(), []);
});
