import { fuzz, withTables } from "@sluice/cli-kit/testing";
import { Random } from "@sluice/testbed";
import test from "ava";
import { cli } from "../src/cli.js";

withTables(test)("no line is a bug", (t, tables) =>
	fuzz(t, tables, cli, {
		vocabulary: [
			..."1 2 3 65535 65536 100 all tcp udp tcp udp".split(" "),
			..."5.5.5.5 1.1.1.1 fd00::1 fd00::2 80 8080".split(" "),
			..."key hex:00 base64:AA== 12345678901234567".split(" "),
		],
	}),
);

withTables(test)(
	"lines that are nearly right leave whole services",
	async (t, tables) => {
		const random = new Random(3);
		const any = (list: readonly string[]) =>
			list[random.below(list.length)] as string;
		const ends = ["1.1.1.1", "1.1.1.2", "5.5.5.5"];
		const ports = ["80", "81"];
		let done = 0;
		for (let i = 0; i < 600; i++) {
			const id = [any(["1", "2", "3"]), "0"];
			const line =
				random.below(4) === 0
					? ["del", ...id]
					: [
							...["set", ...id, any(["tcp", "udp"]), any(ends), any(ports)],
							...[any(ends), any(ports), any(["7", "8"]), "key"],
							...(random.below(3) === 0 ? ["--force"] : []),
						];
			if ((await tables.run(cli, line)).code === 0) done++;
			if (i % 20 > 0) continue;
			const { out } = await tables.run(cli, "check --json");
			const found = JSON.parse(out).findings.filter(
				({ code }: { code: string }) => code !== "NO_TUNNEL",
			);
			t.deepEqual(found, [], line.join(" "));
		}
		t.true(done > 100);
	},
);
