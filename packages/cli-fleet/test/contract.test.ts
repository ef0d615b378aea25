// Needs root, BPF and etcd: rows of every kind from a document into the store, into the kernel, and back.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { tunnelTable } from "@sluice/maps/tables";
import { bytes, endOf, putOf } from "../src/etcd/etcd.js";
import { changed, gateway } from "./helpers/documents.js";
import { it } from "./helpers/fleet.js";

/** The gateway with what only some services and tunnels have. */
const signed = () =>
	changed(({ tunnels, services }) => {
		Object.assign(services[0] as object, {
			signingKey: { text: "secret" },
			requireSigned: true,
		});
		Object.assign(services[1] as object, {
			keys: [{ text: "key-1" }, { text: "next" }],
			signingKey: { text: "signing" },
			otherSigningKey: { text: "other" },
		});
		Object.assign(tunnels[0] as object, {
			moveAfter: 30,
			moveWithin: "192.0.2.0/24",
			token: "accept",
		});
		tunnels.push({
			id: 102,
			local: "127.0.0.1:6080",
			remote: "10.0.0.2:6080",
			sourcePort: "flow",
		});
	});

it("what is pushed is what the kernel has, and what get prints", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	const pushed = signed();
	const { code, out } = await fleet.cli("push - --wait", pushed);
	t.is(code, 0);
	t.is(out, "gw1: generation 1: 8 rows added, 0 changed, 0 deleted\n");
	const { document, generation, drifted } = await gw1.kernel();
	const { config, tunnels, services } = pushed;
	t.deepEqual(document as unknown, { config, tunnels, services });
	t.is(generation, 1);
	t.false(drifted);
	const got = await fleet.cli("get gw1 --show-keys --json");
	const again = await fleet.cli("push -", JSON.parse(got.out));
	t.is(again.out, "gw1: generation 1: nothing changed\n");
	const diff = await fleet.cli("push - --dry-run --diff", gateway());
	t.regex(
		diff.out,
		/^- gw1 services\/1\.0 \{.*"requireSigned":true\}\n\+ gw1 services/m,
	);
	t.regex(diff.out, /^- gw1 keys\/1\.0 "hidden"\n\+ gw1 keys\/1\.0 "hidden"$/m);
	t.regex(diff.out, /^- gw1 tunnels\/102 \{[^\n]*\}\ngw1: generation 2: /m);
	const hidden = await fleet.cli("get gw1");
	t.false(hidden.out.includes("key-0"));
	t.false(hidden.out.includes(Buffer.from("key-0").toString("hex")));
	t.false(hidden.out.includes(Buffer.from("secret").toString("hex")));
});

it("a machine may be behind for so long as --stale says", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push - --wait", gateway());
	await fleet.cli("push -", gateway("gw2"));
	const silent = await fleet.cli("status --stale 60");
	t.is(silent.code, 1);
	t.regex(silent.out, /^gw2 +1 +- +\d+ s +silent/m);
	const status = await gw1.applied(1);
	const behind = { ...status, machine: "gw2", applied: 0 };
	const key = `${fleet.paths.status("gw2")}agent`;
	await fleet.etcd.transact([], [putOf(key, JSON.stringify(behind))]);
	const { out, code } = await fleet.cli("status --stale 60");
	t.is(code, 0);
	t.regex(out, /^gw1 +1 +1 +0 s +ok/m);
	t.regex(out, /^gw2 +1 +0 +\d+ s +behind/m);
	await sleep(1000);
	t.is((await fleet.cli("status")).code, 1);
});

it("a signing key and what may move a far end are changed by themselves, and outlive a rotation", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push - --wait", gateway());
	await fleet.cli("push - --wait", signed());
	const { config, tunnels, services } = signed();
	const now = await gw1.kernel();
	t.deepEqual(now.document as unknown, { config, tunnels, services });
	t.false(now.drifted);
	t.is((await fleet.cli("rotate 1 0 --idle 0")).code, 0);
	const rotated = await gw1.kernel();
	t.like(rotated.document.services[0], { signingKey: { text: "secret" } });
	t.notDeepEqual(rotated.document.services, now.document.services);
	await fleet.cli("push - --wait", gateway());
	const { tunnels: plain, services: unsigned } = gateway();
	const last = await gw1.kernel();
	t.deepEqual(last.document.tunnels as unknown, plain);
	t.deepEqual(last.document.services as unknown, unsigned);
	t.false(last.drifted);
});

it("one row that changes is written by itself, and the tables count as applied", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push - --wait", gateway("gw1", 30));
	const next = changed((c) => {
		Object.assign(c.services[0] as object, {
			backend: "192.168.7.3:80",
			keys: [{ text: "another" }],
		});
		// Two exchange what they have.
		const [, a, b] = c.services as Record<string, unknown>[];
		if (a && b) [a.proxy, b.proxy] = [b.proxy, a.proxy];
		c.services.pop();
		c.tunnels.push({ id: 7, local: "127.0.0.2:6080", remote: "10.0.0.1:6080" });
		c.config.push({
			interface: "lo",
			direction: "egress",
			id: 2,
			flags: [],
			name: "lo",
		});
	}, 30);
	t.is((await fleet.cli("push - --wait", next)).code, 0);
	const { document, drifted } = await gw1.kernel();
	const sorted = (rows: object[]) =>
		rows.map((row) => JSON.stringify(row)).sort();
	for (const kind of ["config", "tunnels", "services"] as const)
		t.deepEqual(sorted(document[kind]), sorted(next[kind]));
	t.false(drifted);
	t.deepEqual(gw1.findings(), []);
	// Tunnels that go, and one that comes.
	const last = changed((c) => {
		c.services.splice(25);
		c.tunnels.splice(25);
	}, 30);
	t.is((await fleet.cli("push - --wait", last)).code, 0);
	const now = await gw1.kernel();
	t.is(now.document.tunnels.length, 25);
	t.false(now.drifted);
});

it("metrics say what was applied, how long a push took, and whether others have changed rows", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	// The network namespace is this file's own.
	gw1.start(["--metrics", "127.0.0.1:9090"]);
	// Once it has reported, it watches: a push that it lists has no time.
	await gw1.until(() => true);
	await fleet.cli("push - --wait", gateway());
	await fleet.cli("push - --wait", gateway("gw1", 3));
	const metrics = async () =>
		(await fetch("http://127.0.0.1:9090/metrics")).text();
	const before = await metrics();
	for (const line of [
		"sluice_fleet_connected 1",
		'sluice_fleet_generation{kind="applied"} 2',
		'sluice_fleet_rows{table="services"} 3',
		"sluice_fleet_apply_seconds_count 2",
		"sluice_fleet_put_to_row_seconds_count 2",
		"sluice_fleet_drift 0",
	])
		t.true(before.split("\n").includes(line), `${line}\n${before}`);
	for (const file of ["fleet-dashboard.json", "fleet-alerts.yml"]) {
		const text = readFileSync(`../../examples/grafana/${file}`, "utf8");
		const names = new Set(text.match(/sluice_fleet_\w+/g));
		t.true(names.size > 3);
		for (const name of names)
			t.true(
				before.includes(`# TYPE ${name.replace(/_bucket$/, "")} `),
				`${file}: ${name}`,
			);
	}
	gw1.tables.open(tunnelTable).delete(101);
	await fleet.cli("push - --wait", gateway("gw1", 4));
	t.regex(await metrics(), /^sluice_fleet_drift 1$/m);
	// The next commit compares all rows, and mends it.
	await fleet.cli("push - --wait", gateway("gw1", 5));
	t.regex(await metrics(), /^sluice_fleet_drift 0$/m);
	t.deepEqual(gw1.findings(), []);
});

it("a machine that was applied by hand is taken over", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push - --wait", gateway());
	await fleet.cli("push - --wait", gateway("gw1", 3));
	// To the agent, another store's: what the kernel has is older than the store.
	const names = [fleet.paths.machine("gw1"), fleet.paths.names];
	for (const name of names)
		await fleet.etcd.call(({ kv }) =>
			kv.deleteRange({ key: bytes(name), rangeEnd: endOf(name) }),
		);
	await gw1.stop();
	gw1.start();
	await gw1.refused("NO_COMMIT");
	const { code, out } = await fleet.cli("push - --wait", gateway("gw1", 4));
	t.is(code, 0);
	t.regex(out, /^gw1: generation 3: /);
	t.is((await gw1.kernel()).document.services.length, 4);
});

it("a generation is gone back to as a new one, with the keys that are in use", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push -", gateway());
	await fleet.cli(
		"push - --wait",
		changed((c) => {
			c.services.pop();
			Object.assign(c.services[0] as object, { keys: [{ text: "rotated" }] });
		}),
	);
	const history = await fleet.cli("history gw1 --json");
	t.deepEqual(
		JSON.parse(history.out).generations.map(
			(one: { generation: number }) => one.generation,
		),
		[1, 2],
	);
	const { out } = await fleet.cli("rollback gw1 1");
	t.is(out, "gw1: generation 3: 2 rows added, 0 changed, 0 deleted\n");
	await gw1.applied(3);
	const { document } = await gw1.kernel();
	const expected = gateway();
	Object.assign(expected.services[0] as object, {
		keys: [{ text: "rotated" }],
	});
	t.deepEqual(document.services as unknown, expected.services);
	t.is((await fleet.cli("rollback gw1 9")).code, 3);
});

it("a canary that refuses ends the push before the others get it", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	const gw2 = fleet.machine("gw2");
	gw1.start();
	gw2.start();
	const one = gateway("gw1");
	const two = gateway("gw2");
	const files = [one, two].map(
		(content) => `/tmp/${process.pid}-${content.metadata.name}.json`,
	);
	t.teardown(() => {
		for (const file of files) rmSync(file, { force: true });
	});
	const push = (options: string) => {
		writeFileSync(files[0] as string, JSON.stringify(one));
		writeFileSync(files[1] as string, JSON.stringify(two));
		return fleet.cli(`push ${files.join(" ")} ${options}`);
	};
	t.is((await push("--batch 50%")).code, 0);
	(one.config[0] as Record<string, unknown>).interface = "none0";
	two.services.pop();
	const { code, err } = await push("--canary gw1");
	t.is(code, 1);
	t.is(
		err,
		'cli_fleet: push: gw1 refused generation 2: no interface "none0" (NOT_FOUND)\n',
	);
	const status = await fleet.cli("status");
	t.is(status.code, 1);
	t.regex(status.out, /^gw1 +2 +1 +\d+ s +refused/m);
	t.regex(status.out, /^gw2 +1 +1 +0 s +ok/m);
	t.regex(
		status.out,
		/^gw1: generation 2 refused: no interface "none0" \(NOT_FOUND\)$/m,
	);
	// It is tried again by itself.
	execFileSync("ip", [
		...["link", "add", "none0", "type", "veth", "peer", "name", "none1"],
	]);
	await gw1.applied(2);
});
