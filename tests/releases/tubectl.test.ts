// Needs root and BPF: real connections while the dispatcher's program is replaced by that of another release.
import { needs, testbed, testWith } from "@sluice/testbed";
import test from "ava";
import { bin } from "../helpers/cli.js";
import { lastReleaseBuilt } from "../helpers/release.js";
import { startConnects, steered } from "../helpers/traffic.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const PORT = 7100;

bpfTest(
	"tubectl upgrade from the last release to this one and back refuses no connection",
	async (t) => {
		t.timeout(1_800_000);
		const old = lastReleaseBuilt()("tubectl");
		const bed = testbed(t);
		const host = await bed.host("host");
		const tubectl = async (program: string, line: string) =>
			(await host.run(process.execPath, [program, ...line.split(" ")])).stdout;
		const now = bin("tubectl");

		await tubectl(old, "load");
		await tubectl(old, "bind echo tcp 127.8.0.0/16 80");
		const { pid } = await steered(host, PORT);
		await tubectl(old, `register-pid ${pid} echo tcp 127.0.0.1 ${PORT}`);
		const connects = await startConnects(host, "127.8.1.1", 80);
		for (let round = 0; round < 4; round++) {
			await tubectl(now, "upgrade");
			await tubectl(now, "upgrade --index");
			await tubectl(now, "upgrade --no-index");
			t.regex(await tubectl(now, "status"), /127\.8\.0\.0\/16 +80 +echo/);
			await tubectl(old, "upgrade");
			t.regex(await tubectl(old, "status"), /127\.8\.0\.0\/16 +80 +echo/);
		}
		const { sent, answered } = await connects.stop();
		t.log(`${sent} connections`);
		t.true(sent > 20);
		t.is(answered, sent);
	},
);
