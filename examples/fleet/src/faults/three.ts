import { setTimeout as sleep } from "node:timers/promises";
import type { Certificates } from "../../../../packages/cli-fleet/test/helpers/certificates.js";
import {
	etcdctl,
	fails,
	pushAgain,
	restart,
	restartAgent,
	type Stage,
} from "../stage.js";

/** Seconds for which the certificate is valid that is to expire. */
const SHORT = 5;

const signal = ({ terminal, store, members }: Stage, name: string, count = 1) =>
	terminal.run(
		store,
		`kill -${name} ${members
			.slice(0, count)
			.map(({ pid }) => pid)
			.join(" ")}`,
	);

/** What goes wrong with three members of etcd, certificates and roles. Each is over when it returns. */
export const faultsOfThree = (
	certificates: Certificates,
): Record<string, (stage: Stage) => Promise<void>> => ({
	// The first of the URLs: all agents begin there.
	"the member of three that agents watch is frozen": async (stage) => {
		await signal(stage, "STOP");
		await pushAgain(stage);
		await signal(stage, "CONT");
		await pushAgain(stage);
	},
	"the leader of three members is killed": async (stage) => {
		const leader = await leaderOf(stage);
		await restart(stage, [leader], async () => {
			await pushAgain(stage);
		});
		await pushAgain(stage);
	},
	"two of three members are frozen": async (stage) => {
		await signal(stage, "STOP", 2);
		await fails(stage, `push ${stage.files.echo} --max-delete 0`);
		await signal(stage, "CONT", 2);
		await pushAgain(stage);
	},
	"the certificate of the gateway's agent expires": async (stage) => {
		const [, gw2] = stage.gateways;
		certificates.make(gw2.name, SHORT);
		await restartAgent(stage, gw2);
		await pushAgain(stage);
		await sleep(1000 * (SHORT + 1));
		// An open connection stays; the next one is refused.
		await restart(stage, [0, 1, 2]);
		await fails(stage, `push ${stage.files.echo} --max-delete 0 --wait=3`);
		certificates.make(gw2.name);
		await restartAgent(stage, gw2);
		await pushAgain(stage);
	},
	"the role of the gateway's agent is revoked": async (stage) => {
		await etcdctl(stage, "user revoke-role gw2 sluice-gw2");
		// An open watch goes on, in etcd; the next one is refused.
		await restart(stage, [0, 1, 2]);
		await fails(stage, `push ${stage.files.echo} --max-delete 0 --wait=3`);
		await etcdctl(stage, "user grant-role gw2 sluice-gw2");
		await pushAgain(stage);
	},
});

/** The number of the member that leads. */
async function leaderOf(stage: Stage): Promise<number> {
	const text = await etcdctl(stage, "endpoint status --write-out json");
	const members = JSON.parse(text) as {
		Status: { leader: number; header: { member_id: number } };
	}[];
	return members.findIndex(
		({ Status }) => Status.leader === Status.header.member_id,
	);
}
