import * as maps from "@sluice/maps";
import type { OpenTable, Table } from "@sluice/maps/table";
import type { Kernel } from "../src/env.js";

/** Stands for the end of the process: whoever catches it can do nothing more to a table. */
export class Killed extends Error {
	override name = "Killed";
}

/**
 * The kernel as a process sees it that is killed after it has written `writes` entries: every call from then on is
 * one that it never makes.
 */
export function killedAtWrite(writes: number): Kernel {
	let left = writes;
	let dead = false;
	const alive = () => {
		if (dead) throw new Killed();
	};
	const write = () => {
		alive();
		if (left-- > 0) return;
		dead = true;
		throw new Killed();
	};
	return {
		...maps,
		openTable: <K, V>(
			table: Table<K, V>,
			directory: string,
			options?: maps.OpenOptions,
		): OpenTable<K, V> => {
			const real = maps.openTable(table, directory, options);
			return {
				name: real.name,
				id: real.id,
				maxEntries: real.maxEntries,
				fd: real.fd,
				get(key) {
					alive();
					return real.get(key);
				},
				*entries() {
					alive();
					yield* real.entries();
				},
				set(key, value, mode) {
					write();
					real.set(key, value, mode);
				},
				delete(key) {
					write();
					return real.delete(key);
				},
				// One by one, so that a batch can be cut anywhere.
				setMany(entries) {
					for (const [key, value] of entries) this.set(key, value);
				},
				deleteMany: (keys) =>
					[...keys].filter((key) => {
						write();
						return real.delete(key);
					}).length,
				close: () => real.close(),
			};
		},
	};
}
