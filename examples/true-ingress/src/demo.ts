// Shows the tunnel at work, on this machine's kernel: demo.ts DIRECTORY. Run by scripts/demo.sh.
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { testbed } from "@sluice/testbed";
import { detach, directReturn, standardMode, wrongKey } from "./acts.js";
import { network, picture } from "./network.js";
import { attach, openTunnel, programGateway, programNode } from "./set-up.js";
import { Terminal } from "./terminal.js";

const BODY_BYTES = 20_000_000;

const [directory = "/tmp"] = process.argv.slice(2);
const terminal = new Terminal();
const bed = testbed();
bed.closeOnSignal();

try {
	const body = randomBytes(BODY_BYTES);
	const file = join(directory, "body");
	writeFileSync(file, body);
	const sum = createHash("sha256").update(body).digest("hex");

	console.log(picture);
	const net = await network(bed);
	const start = performance.now();
	const stage = { ...net, terminal, file, sum };
	await attach(stage);
	await programGateway(stage);
	await programNode(stage);
	await openTunnel(stage);
	await standardMode(stage);
	await directReturn(stage);
	await wrongKey(stage);
	await detach(stage);
	const right = terminal.sum((performance.now() - start) / 1000);
	process.exitCode = right ? 0 : 1;
} catch (error) {
	console.error(`demo.sh: ${(error as Error).message}`);
	process.exitCode = 1;
} finally {
	await bed.close();
}
