// Faults of the control plane while datagrams go through a tunnel: faults.ts DIRECTORY. Run by scripts/test-fleet.sh.
import { setTimeout as sleep } from "node:timers/promises";
import { testbed } from "@sluice/testbed";
import { GATEWAYS } from "./network.js";
import {
	fleet,
	PORT,
	type Stage,
	setUp,
	startAgent,
	startEtcd,
	whileTraffic,
} from "./stage.js";

const [, echo] = GATEWAYS;

/** Seconds that a gateway is cut off. */
const CUT = 60;

/** A new generation for both ends of a link, which their agents have to apply. */
const pushAgain = (stage: Stage) =>
	fleet(stage, `push ${stage.files.echo} --max-delete 0 --wait=90`);

const etcdctl = ({ terminal, store, url }: Stage, line: string) =>
	terminal.run(
		store,
		`export ETCDCTL_API=3; etcdctl --endpoints ${url} ${line}`,
	);

/** Kills etcd and starts it again. @param between is done meanwhile */
async function restartEtcd(
	stage: Stage,
	between = async () => {},
	options = "",
): Promise<void> {
	await stage.terminal.run(stage.store, `kill -9 ${stage.etcd.pid}`);
	await stage.etcd.ended;
	await between();
	stage.etcd = await startEtcd(stage, options);
}

const faults: Record<string, (stage: Stage) => Promise<void>> = {
	"the agent of the gateway is killed and starts again": async (stage) => {
		const [, gw2] = stage.gateways;
		await stage.terminal.run(gw2, `kill -9 ${stage.agents.gw2?.pid}`);
		await sleep(1000);
		stage.agents.gw2 = await startAgent(stage, gw2);
		await pushAgain(stage);
	},
	"etcd is killed and starts again": async (stage) => {
		await restartEtcd(stage, () => sleep(2000));
		await pushAgain(stage);
	},
	"etcd is frozen for five seconds": async (stage) => {
		await stage.terminal.run(stage.store, `kill -STOP ${stage.etcd.pid}`);
		await sleep(5000);
		await stage.terminal.run(stage.store, `kill -CONT ${stage.etcd.pid}`);
		await pushAgain(stage);
	},
	"the history is compacted": async (stage) => {
		await etcdctl(
			stage,
			`compact "$(etcdctl --endpoints ${stage.url} endpoint status --write-out json | grep -o '"revision":[0-9]*' | cut -d: -f2)"`,
		);
		await pushAgain(stage);
	},
	"the database is defragmented": async (stage) => {
		await etcdctl(stage, "defrag");
		await pushAgain(stage);
	},
	"the database is full": async (stage) => {
		await restartEtcd(stage, async () => {}, " --quota-backend-bytes 20480");
		await stage.terminal.run(
			stage.store,
			`! cli_fleet push ${stage.files.gw1} --max-delete 0 --etcd ${stage.url}`,
		);
		await restartEtcd(stage);
		await etcdctl(stage, "alarm disarm");
		await pushAgain(stage);
	},
	"etcd is restored from a backup": async (stage) => {
		const { directory, files } = stage;
		const machines = `${files.gw1} ${files.gw2} ${files.n7}`;
		await etcdctl(stage, `snapshot save ${directory}/backup`);
		// A generation that the backup has not.
		await fleet(stage, `push ${machines} --max-delete 0 --wait`);
		await restartEtcd(stage, async () => {
			await stage.terminal.run(stage.store, `rm -r ${directory}/etcd`);
			await etcdctl(
				stage,
				`snapshot restore ${directory}/backup --data-dir ${directory}/etcd`,
			);
		});
		await fleet(stage, `push ${machines} --reset --wait=60`);
	},
	"the gateway is cut off from etcd for a minute": async (stage) => {
		const [, gw2] = stage.gateways;
		await gw2.run("nft", ["-f", "-"], {
			input: `table inet cut { chain out { type filter hook output priority 0; tcp dport ${PORT} drop; }; }`,
		});
		await sleep(1000 * CUT);
		await gw2.run("nft", ["delete", "table", "inet", "cut"]);
		await pushAgain(stage);
	},
	"all keys are rotated": async (stage) => {
		await fleet(stage, "rotate --all --within 2s --idle 2");
	},
};

const [directory = "/tmp"] = process.argv.slice(2);
const bed = testbed();
try {
	const start = performance.now();
	const stage = await setUp(bed, directory);
	const { terminal, files, node } = stage;
	await fleet(stage, `push ${files.gw1} ${files.gw2} ${files.n7} --wait`);
	await fleet(stage, `push ${files.web} ${files.echo} --wait`);
	await terminal.start(node, "cli_tunnel ping all --interval 1", /PING.*/);
	await sleep(500);
	for (const [name, act] of Object.entries(faults)) {
		terminal.title(name);
		const { sent, received } = await whileTraffic(stage, echo.proxy, () =>
			act(stage),
		);
		terminal.check(
			`${name}: ${sent} datagrams went, ${received} came back`,
			sent > 0 && sent === received,
		);
		for (const host of [...stage.gateways, node])
			await terminal.run(host, "cli_service check");
	}
	process.exitCode = terminal.sum((performance.now() - start) / 1000) ? 0 : 1;
} catch (error) {
	console.error(`test-fleet.sh: ${(error as Error).message}`);
	process.exitCode = 1;
} finally {
	await bed.close();
}
