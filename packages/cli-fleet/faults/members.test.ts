// Needs root, BPF and etcd: members are killed, frozen and cut off; the kernel ends as the store says.

import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { gateway } from "../test/helpers/documents.js";
import type { EtcdServer } from "../test/helpers/etcd.js";
import { type Fleet, it, type Machine } from "../test/helpers/fleet.js";

const MEMBERS = 3;

async function begin(fleet: Fleet): Promise<Machine> {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push - --wait", gateway("gw1", 5));
	return gw1;
}

/** Pushes, and looks whether the kernel has it. */
async function ends(
	t: ExecutionContext,
	fleet: Fleet,
	gw1: Machine,
	count: number,
): Promise<void> {
	const start = performance.now();
	for (;;) {
		const { code, err } = await fleet.cli(
			"push - --wait",
			gateway("gw1", count),
		);
		if (code === 0) break;
		// Until the members have agreed on a leader.
		t.regex(err, /etcd:|not applied/);
		await sleep(100);
	}
	t.log(
		`applied ${Math.round(performance.now() - start)} ms after it was pushed`,
	);
	const { document, drifted } = await gw1.kernel();
	t.is(document.services.length, count);
	t.false(drifted);
	t.deepEqual(gw1.findings(), []);
}

const leaderOf = (fleet: Fleet): EtcdServer => {
	const json = execFileSync(
		"etcdctl",
		["endpoint", "status", "--endpoints", fleet.urls, "--write-out", "json"],
		{ env: { ...process.env, ETCDCTL_API: "3" } },
	).toString();
	const members = JSON.parse(json) as {
		Endpoint: string;
		Status: { leader: number; header: { member_id: number } };
	}[];
	const leader = members.find(
		({ Status }) => Status.leader === Status.header.member_id,
	);
	return fleet.members.find(
		({ url }) => url === leader?.Endpoint,
	) as EtcdServer;
};

it(
	"the leader is killed",
	async (t, fleet) => {
		const gw1 = await begin(fleet);
		const leader = leaderOf(fleet);
		await leader.stop();
		await ends(t, fleet, gw1, 6);
		await leader.start(fleet.members);
		await ends(t, fleet, gw1, 7);
	},
	MEMBERS,
);

it(
	"the member that is watched is frozen",
	async (t, fleet) => {
		const gw1 = await begin(fleet);
		const [watched] = fleet.members as [EtcdServer];
		watched.signal("SIGSTOP");
		await ends(t, fleet, gw1, 6);
		watched.signal("SIGCONT");
		await ends(t, fleet, gw1, 7);
	},
	MEMBERS,
);

it(
	"two of three are frozen: pushes fail, the kernel keeps what it has",
	async (t, fleet) => {
		const gw1 = await begin(fleet);
		const before = await gw1.kernel();
		const [one, two] = fleet.members as [EtcdServer, EtcdServer];
		one.signal("SIGSTOP");
		two.signal("SIGSTOP");
		await sleep(5000);
		const { code } = await fleet.cli("push -", gateway("gw1", 6));
		t.is(code, 1);
		t.deepEqual(await gw1.kernel(), before);
		one.signal("SIGCONT");
		two.signal("SIGCONT");
		await ends(t, fleet, gw1, 6);
	},
	MEMBERS,
);

it("packets to etcd are dropped for a minute", async (t, fleet) => {
	const gw1 = await begin(fleet);
	const before = await gw1.kernel();
	const nft = (text: string) =>
		execFileSync("/usr/sbin/nft", ["-f", "-"], { input: text });
	const ports = fleet.members.map(({ port }) => port).join(", ");
	nft(
		`table inet cut { chain in { type filter hook input priority 0; tcp dport { ${ports} } drop; tcp sport { ${ports} } drop; }; }`,
	);
	await sleep(60_000);
	t.deepEqual(await gw1.kernel(), before);
	nft("delete table inet cut");
	await ends(t, fleet, gw1, 6);
});
