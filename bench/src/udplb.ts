import { testbed } from "@sluice/testbed";
import { interleave } from "./interleave.js";
import type { Row, Table } from "./table.js";
import { type Path, packets } from "./udplb/path.js";
import { nat, ours, routing } from "./udplb/ways.js";

const SECONDS = Number(process.env.SECONDS_EACH ?? 1);

/** Source ports of "many flows". */
const MANY = 512;

/** UDP through a box in the middle: what of the packets that the client can send arrives behind it. */
export async function* suite(): AsyncIterable<Table> {
	const bed = testbed();
	try {
		const way = {
			routing: await routing(bed),
			nat: await nat(bed),
			block: await ours("block")(bed),
			pass: await ours("pass")(bed),
			large: await ours("block", 10_000, 100)(bed),
		};
		const row = async (
			title: string,
			flows: number,
			paths: Record<string, Path>,
		): Promise<Row> => ({
			title,
			unit: "packets/s",
			samples: await interleave(
				Object.entries(paths).map(([name, path]) => ({
					name,
					measure: () => packets(path, flows, SECONDS),
				})),
			),
		});
		const { routing: base, nat: kernel, block, pass, large } = way;
		yield {
			title: "udplb: 64 bytes through the box",
			base: "routing",
			columns: ["routing", "nft DNAT + SNAT", "ours"],
			rows: [
				await row("one flow, block", 1, {
					routing: base,
					"nft DNAT + SNAT": kernel,
					ours: block,
				}),
				await row("many flows, block", MANY, {
					routing: base,
					"nft DNAT + SNAT": kernel,
					ours: block,
				}),
				await row("one flow, pass", 1, { routing: base, ours: pass }),
			],
		};
		yield {
			title: "udplb: ours by the number of keys and upstreams, block",
			base: "1 × 1",
			columns: ["1 × 1", "10 000 × 100"],
			rows: [
				await row("one flow", 1, { "1 × 1": block, "10 000 × 100": large }),
				await row("many flows, many keys", MANY, {
					"1 × 1": block,
					"10 000 × 100": large,
				}),
			],
		};
	} finally {
		await bed.close();
	}
}
