// Needs root, BPF, etcd and etcdctl: the store is full, or restored from a backup.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { changed, gateway } from "../test/helpers/documents.js";
import type { EtcdServer } from "../test/helpers/etcd.js";
import { it } from "../test/helpers/fleet.js";

const etcdctl = (etcd: EtcdServer, ...args: string[]) =>
	execFileSync("etcdctl", ["--endpoints", etcd.url, ...args], {
		env: { ...process.env, ETCDCTL_API: "3" },
		stdio: ["ignore", "pipe", "pipe"],
	}).toString();

it("the database is full: pushes fail, the agent goes on, and applies once there is room", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push - --wait", gateway("gw1", 5));
	const [etcd] = fleet.members as [EtcdServer];
	// The quota is too small for what is there, from now on.
	await etcd.stop();
	etcd.options.push("--quota-backend-bytes", "30000");
	await etcd.start();
	let code = 0;
	let err = "";
	for (let i = 0; i < 50 && code === 0; i++)
		({ code, err } = await fleet.cli(
			"push -",
			changed((c) => {
				Object.assign(c.services[0] as object, { backend: `10.9.9.${i}:80` });
			}, 5),
		));
	t.is(code, 1);
	t.is(
		err,
		"cli_fleet: push: etcd: etcdserver: mvcc: database space exceeded; compact and defragment etcd, then etcdctl alarm disarm\n",
	);
	t.is((await gw1.kernel()).document.services.length, 5);
	await etcd.stop();
	etcd.options.splice(-2);
	await etcd.start();
	etcdctl(etcd, "alarm", "disarm");
	const right = await fleet.cli("push - --wait", gateway("gw1", 6));
	t.is(right.code, 0, right.err);
	t.is((await gw1.kernel()).document.services.length, 6);
	t.false((await gw1.kernel()).drifted);
	t.deepEqual(gw1.findings(), []);
});

it("the database is defragmented again and again while rows are pushed: all is applied", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	const [etcd] = fleet.members as [EtcdServer];
	let isOver = false;
	let times = 0;
	const defragmenting = (async () => {
		for (; !isOver; times++)
			await execa("etcdctl", ["--endpoints", etcd.url, "defrag"], {
				env: { ETCDCTL_API: "3" },
			});
	})();
	for (const count of [500, 490, 1000]) {
		const line = "push - --wait=60";
		const { code, err } = await fleet.cli(line, gateway("gw1", count));
		t.is(code, 0, err);
		t.is((await gw1.kernel()).document.services.length, count);
	}
	isOver = true;
	await defragmenting;
	t.log(`${times} times`);
	t.true(times > 0);
	t.false((await gw1.kernel()).drifted);
	t.deepEqual(gw1.findings(), []);
});

it("the store is restored from a backup: refused until it is meant, then applied", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push - --wait", gateway("gw1", 5));
	const [etcd] = fleet.members as [EtcdServer];
	const backup = path.join(gw1.directory, "backup.db");
	etcdctl(etcd, "snapshot", "save", backup);
	await fleet.cli("push - --wait", gateway("gw1", 6));
	const before = await gw1.kernel();
	await etcd.stop();
	rmSync(etcd.data, { recursive: true });
	etcdctl(
		etcd,
		...["snapshot", "restore", backup, "--data-dir", etcd.data],
		...[
			"--name",
			etcd.name,
			"--initial-cluster",
			`${etcd.name}=${etcd.peerUrl}`,
		],
		...["--initial-advertise-peer-urls", etcd.peerUrl],
		...["--initial-cluster-token", "restored"],
	);
	await etcd.start();
	const { refused, applied } = await gw1.refused("STALE");
	t.is(applied, 2);
	t.is(refused?.generation, 1);
	t.deepEqual(await gw1.kernel(), before);
	// A push that only brings the generation up to what was applied is another cluster's all the same.
	await fleet.cli("push -", gateway("gw1", 7));
	await fleet.cli("push -", gateway("gw1", 8));
	await gw1.refused("CLUSTER");
	t.deepEqual(await gw1.kernel(), before);
	const meant = await fleet.cli("push - --reset --wait", gateway("gw1", 8));
	t.is(meant.code, 0, meant.err);
	t.is((await gw1.kernel()).document.services.length, 8);
	t.false((await gw1.kernel()).drifted);
	t.deepEqual(gw1.findings(), []);
});
