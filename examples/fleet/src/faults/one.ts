import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { PORT } from "../etcd.js";
import {
	etcdctl,
	fails,
	fleet,
	pushAgain,
	restart,
	restartAgent,
	type Stage,
} from "../stage.js";

/** Seconds that a gateway is cut off. */
const CUT = 60;

/** Debian's libfaketime. */
const FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/** What goes wrong with one member of etcd, and with agents. Each is over when it returns. */
export const faultsOfOne: Record<string, (stage: Stage) => Promise<void>> = {
	"the agent of the gateway is killed and starts again": async (stage) => {
		const [, gw2] = stage.gateways;
		await restartAgent(stage, gw2);
		await pushAgain(stage);
	},
	"etcd is killed and starts again": async (stage) => {
		await restart(stage, [0], () => sleep(2000));
		await pushAgain(stage);
	},
	"etcd is frozen for five seconds": async (stage) => {
		const [etcd] = stage.members;
		await stage.terminal.run(stage.store, `kill -STOP ${etcd?.pid}`);
		await sleep(5000);
		await stage.terminal.run(stage.store, `kill -CONT ${etcd?.pid}`);
		await pushAgain(stage);
	},
	"the history is compacted": async (stage) => {
		await etcdctl(
			stage,
			`compact "$(etcdctl endpoint status --write-out json | grep -o '"revision":[0-9]*' | cut -d: -f2)"`,
		);
		await pushAgain(stage);
	},
	"the database is defragmented": async (stage) => {
		await etcdctl(stage, "defrag");
		await pushAgain(stage);
	},
	"the database is full": async (stage) => {
		const quota = " --quota-backend-bytes 20480";
		await restart(stage, [0], undefined, quota);
		await fails(stage, `push ${stage.files.gw1} --max-delete 0`);
		await restart(stage, [0]);
		await etcdctl(stage, "alarm disarm");
		await pushAgain(stage);
	},
	"etcd is restored from a backup": async (stage) => {
		const { directory, files } = stage;
		const machines = `${files.gw1} ${files.gw2} ${files.n7}`;
		await etcdctl(stage, `snapshot save ${directory}/backup`);
		// A generation that the backup has not.
		await fleet(stage, `push ${machines} --max-delete 0 --wait`);
		await restart(stage, [0], async () => {
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
	...(existsSync(FAKETIME)
		? {
				"the clock of the gateway's agent jumps by a day, back and forth":
					clockJumps,
			}
		: {}),
};

async function clockJumps(stage: Stage): Promise<void> {
	const [, gw2] = stage.gateways;
	const file = `${stage.directory}/clock`;
	writeFileSync(file, "+0\n");
	await restartAgent(
		stage,
		gw2,
		`LD_PRELOAD=${FAKETIME} FAKETIME_TIMESTAMP_FILE=${file} FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1`,
	);
	for (const jump of ["+24h", "-24h"]) {
		writeFileSync(file, `${jump}\n`);
		await pushAgain(stage);
	}
	await restartAgent(stage, gw2);
	await pushAgain(stage);
}
