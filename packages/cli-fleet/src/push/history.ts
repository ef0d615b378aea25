import { promisify } from "node:util";
import { gunzipSync, gzip } from "node:zlib";
import { missing } from "@sluice/cli-kit";
import type { RequestOp } from "../../generated/rpc_pb.js";
import { deleteRangeOf, type Etcd } from "../etcd/etcd.js";
import type { Paths } from "../rows/paths.js";
import type { Rows } from "../rows/rows.js";

/** Generations of a machine that are stored. */
export const KEPT = 10;

/** Characters of one value, well below the limit of a request. */
const PART = 1_000_000;

/** In the order of numbers. */
const numbered = (generation: number) => String(generation).padStart(16, "0");

/** Writes all rows of a generation, packed. Keys are in it. */
export async function writeHistory(
	etcd: Etcd,
	paths: Paths,
	machine: string,
	generation: number,
	rows: Rows,
): Promise<void> {
	const bytes = await promisify(gzip)(JSON.stringify([...rows]));
	const packed = bytes.toString("base64");
	const at = `${paths.history(machine)}${numbered(generation)}/`;
	for (let part = 0; part * PART < packed.length; part++)
		await etcd.put(
			`${at}${String(part).padStart(3, "0")}`,
			packed.slice(part * PART, (part + 1) * PART),
		);
}

/** Changes of the history by a commit: the oldest generation is deleted. */
export function historyOperations(
	paths: Paths,
	machine: string,
	generation: number,
): RequestOp[] {
	const at = paths.history(machine);
	return [deleteRangeOf(at, at + numbered(Math.max(0, generation - KEPT + 1)))];
}

/** Stored generations, oldest first. */
export async function listHistory(
	etcd: Etcd,
	paths: Paths,
	machine: string,
): Promise<Map<number, string>> {
	const { rows } = await etcd.list(paths.history(machine));
	const found = new Map<number, string>();
	for (const [key, value] of rows) {
		const generation = Number(key.split("/")[0]);
		found.set(generation, (found.get(generation) ?? "") + value);
	}
	return found;
}

/** @throws Failure missing: the generation is not stored */
export async function rowsOfGeneration(
	etcd: Etcd,
	paths: Paths,
	machine: string,
	generation: number,
): Promise<Rows> {
	const packed = (await listHistory(etcd, paths, machine)).get(generation);
	if (packed === undefined)
		throw missing(
			`no generation ${generation} of machine "${machine}" is kept`,
		);
	return unpack(packed);
}

export const unpack = (packed: string): Rows =>
	new Map(
		JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString("utf8")),
	);
