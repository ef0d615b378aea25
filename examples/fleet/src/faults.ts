// Faults of the control plane while datagrams go through a tunnel: faults.ts DIRECTORY. Run by scripts/test-fleet.sh.
import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { testbed } from "@sluice/testbed";
import { Certificates } from "../../../packages/cli-fleet/test/helpers/certificates.js";
import { type Etcd, oneMember, threeMembers } from "./etcd.js";
import { faultsOfOne } from "./faults/one.js";
import { faultsOfThree } from "./faults/three.js";
import { GATEWAYS, STORE } from "./network.js";
import { fleet, type Stage, setUp, whileTraffic } from "./stage.js";

const [, echo] = GATEWAYS;
const [directory = "/tmp"] = process.argv.slice(2);

/** One fault after the other, each while datagrams go through. @returns whether each check was right */
async function act(
	name: string,
	etcdOf: (directory: string) => Etcd,
	faults: Record<string, (stage: Stage) => Promise<void>>,
): Promise<boolean> {
	const own = `${directory}/${name}`;
	mkdirSync(own);
	const bed = testbed();
	bed.closeOnSignal();
	try {
		const start = performance.now();
		const stage = await setUp(bed, own, etcdOf(own));
		const { terminal, files, node } = stage;
		await fleet(stage, `push ${files.gw1} ${files.gw2} ${files.n7} --wait`);
		await fleet(stage, `push ${files.web} ${files.echo} --wait`);
		await terminal.start(node, "cli_tunnel ping all --interval 1", /PING.*/);
		await sleep(500);
		for (const [name, fault] of Object.entries(faults)) {
			terminal.title(name);
			const { sent, received } = await whileTraffic(stage, echo.proxy, () =>
				fault(stage),
			);
			terminal.check(
				`${name}: ${sent} datagrams went, ${received} came back`,
				sent > 0 && sent === received,
			);
			for (const host of [...stage.gateways, node])
				await terminal.run(host, "cli_service check");
		}
		return terminal.sum((performance.now() - start) / 1000);
	} finally {
		await bed.close();
	}
}

const certificates = new Certificates(STORE);
try {
	const one = await act("one", oneMember, faultsOfOne);
	const three = await act(
		"three",
		(own) => threeMembers(own, ["gw1", "gw2", "n7"], certificates),
		faultsOfThree(certificates),
	);
	process.exitCode = one && three ? 0 : 1;
} catch (error) {
	console.error(`test-fleet.sh: ${(error as Error).message}`);
	process.exitCode = 1;
} finally {
	certificates.close();
}
