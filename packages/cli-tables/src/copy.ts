import { Failure } from "@sluice/cli-kit";
import { converter } from "./layout.js";
import { hasEntries, type Raw, tableOf } from "./raw.js";

/** Entries written at once. */
const BATCH = 4096;

/**
 * Copies all entries, each read with the layout of `from` and written with that of `to`.
 * @returns how many there were; undefined: a map without entries, such as a ring buffer
 * @throws Failure failed: they do not fit
 */
export function copyEntries(from: Raw, to: Raw): number | undefined {
	if (!hasEntries(from) || !hasEntries(to)) return undefined;
	const key = converter(from.key, to.key, to.info.keySize);
	const value = converter(from.value, to.value, to.info.valueSize);
	const target = tableOf(to);
	let rows: [Uint8Array, Uint8Array[]][] = [];
	let count = 0;
	const flush = () => {
		try {
			target.setMany(rows);
		} catch (error) {
			if ((error as { code?: string }).code !== "E2BIG") throw error;
			throw new Failure(
				"failed",
				`copy ${from.name}: its entries do not fit in ${to.info.maxEntries}; nothing was changed`,
				{ hint: "name a larger number with --entries" },
			);
		}
		count += rows.length;
		rows = [];
	};
	tableOf(from).forEach((k, values) => {
		rows.push([key(k), values.map(value)]);
		if (rows.length === BATCH) flush();
	});
	flush();
	return count;
}

/**
 * Copies those tunnels of `from` that had a ping later than in `to`: what the data path learned in the meantime. One that
 * `to` does not have stays out.
 * @returns how many
 */
export function copyNewerPings(from: Raw, to: Raw): number {
	const before = lastPing(from);
	const after = lastPing(to);
	const value = converter(from.value, to.value, to.info.valueSize);
	const target = tableOf(to);
	const newer: [Uint8Array, Uint8Array[]][] = [];
	tableOf(from).forEach((key, values) => {
		const there = target.get(key);
		const own = values[0] as Uint8Array;
		if (there && before(own) > after(there[0] as Uint8Array))
			newer.push([key, [value(own)]]);
	});
	for (const [key, values] of newer) target.set(key, values, "exist");
	return newer.length;
}

/** Reads the time of a tunnel's last ping. */
function lastPing({ name, value }: Raw): (bytes: Uint8Array) => bigint {
	const field = value.find(({ path }) => path === "last_ping");
	if (!field) throw new Failure("failed", `${name} has no field last_ping`);
	return (bytes) =>
		Buffer.from(bytes.buffer, bytes.byteOffset).readBigUInt64LE(field.offset);
}
