// Pushes changes of random machines until its standard input ends: soak-pusher.ts URLS MACHINES A-SECOND SEED. Run by soak.ts.
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "@sluice/cli-kit";
import { readMachine } from "@sluice/machine";
import { Random } from "@sluice/testbed";
import { Etcd } from "../src/etcd/etcd.js";
import { currentOf, push } from "../src/push/push.js";
import { Paths } from "../src/rows/paths.js";
import { rowsOf } from "../src/rows/rows.js";
import { type Content, gateway } from "../test/helpers/documents.js";

const [urls = "", names = "", rate = "10", seed = "1"] = process.argv.slice(2);
const etcd = new Etcd({ endpoints: urls.split(","), tls: undefined });
const paths = new Paths("/sluice/v1");
const random = new Random(Number(seed));
const contents = names.split(",").map((name) => gateway(name, 20));

/** Another backend, another key, one service more or one less. */
function change({ services }: Content, i: number): void {
	const one = random.pick(services) as Record<string, unknown>;
	const kind = random.below(4);
	if (kind === 0) one.backend = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:80`;
	else if (kind === 1) one.keys = [{ text: `key ${i}` }];
	else if (kind === 2 && services.length > 10)
		services.splice(services.indexOf(one), 1);
	else
		services.push({
			...one,
			service: 2,
			group: i & 0xffff,
			proxy: `203.0.113.20:${1 + (i % 65_535)}`,
			backend: `10.${128 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}:80`,
		});
}

let isOver = false;
process.stdin.on("end", () => {
	isOver = true;
});
process.stdin.resume();
console.log("pushing");
const counts = { pushed: 0, failed: 0 };
for (let i = 0; !isOver || i < contents.length; i++) {
	const next = sleep(1000 / Number(rate));
	const content = contents[i % contents.length] as Content;
	if (i >= contents.length) change(content, i);
	const { name } = content.metadata;
	const { machine } = readMachine(name, Buffer.from(JSON.stringify(content)));
	try {
		const current = await currentOf(etcd, paths, name);
		await push(etcd, paths, name, current, rowsOf(machine));
		counts.pushed++;
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		counts.failed++;
	}
	await next;
}
etcd.close();
console.log(JSON.stringify(counts));
