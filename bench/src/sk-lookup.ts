import { connectsRow, DIRECT, WAYS } from "./sk-lookup/connects.js";
import { COLUMNS, lookupRows, REFERENCE } from "./sk-lookup/lookups.js";
import type { Table } from "./table.js";

const COUNTS = [1, 1000, 100_000, 1_000_000];

const counted = (count: number) =>
	count.toLocaleString("en").replaceAll(",", " ");
const plural = (count: number, noun: string) =>
	`${counted(count)} ${noun}${count === 1 ? "" : "s"}`;

/** The sk_lookup dispatcher: what each packet costs, and what that does to connections. */
export async function* suite(): AsyncIterable<Table> {
	const addresses: Table = {
		title: "sk_lookup: ns for each lookup (BPF_PROG_TEST_RUN)",
		base: REFERENCE,
		columns: COLUMNS,
		rows: [],
	};
	for (const count of COUNTS)
		addresses.rows.push(
			...(await lookupRows({
				title: plural(count, "binding"),
				count,
				bits: 32,
				port: 80,
			})),
		);
	for (const [title, bits, port, longer] of [
		["1 000 addresses, every port", 32, 0, 0],
		["1 000 subnets", 24, 80, 0],
		["1 000 subnets, every port", 24, 0, 0],
		["1 000 subnets of 2 lengths", 24, 80, 1],
		["1 000 subnets of 4 lengths", 24, 80, 3],
	] as const)
		addresses.rows.push(
			...(await lookupRows({ title, count: 1000, bits, port, longer })),
		);
	yield addresses;
	yield {
		title: "sk_lookup: TCP connects over loopback",
		base: DIRECT,
		columns: WAYS,
		rows: [await connectsRow()],
	};
}
