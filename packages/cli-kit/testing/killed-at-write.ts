import * as maps from "@sluice/maps";
import type { Table } from "@sluice/maps/table";
import type { Kernel } from "../src/env.js";

/** Stands for the end of the process: whoever catches it can do nothing more to a table. */
export class Killed extends Error {
	override name = "Killed";
}

/**
 * The kernel as a process sees it that is killed after it has written `writes` entries: every call from then on is
 * one that it never makes. A batch can be cut anywhere.
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
	const openTable: Kernel["openTable"] = (table, directory, options) =>
		watched(maps.openTable(table, directory, options), table, alive, write);
	class Journal extends maps.Journal {
		override write(record: readonly Buffer[]): void {
			write();
			super.write(record);
		}
		override clear(): void {
			write();
			super.clear();
		}
	}
	return { ...maps, openTable, Journal };
}

type Opened<K, V> = ReturnType<typeof maps.openTable<K, V>>;

/** A table that asks before each call, and before each entry that it writes. */
function watched<K, V>(
	real: Opened<K, V>,
	{ key, value }: Table<K, V>,
	alive: () => void,
	write: () => void,
): Opened<K, V> {
	const one = (buffer: Buffer, i: number, size: number) =>
		buffer.subarray(i * size, (i + 1) * size);
	const writers: Partial<Opened<K, V>> = {
		set(...entry) {
			write();
			real.set(...entry);
		},
		delete(key) {
			write();
			return real.delete(key);
		},
		setMany(entries) {
			for (const entry of entries) writers.set?.(...entry);
		},
		deleteMany: (keys) =>
			[...keys].filter((key) => writers.delete?.(key)).length,
		writePacked(keys, values, count) {
			for (let i = 0; i < count; i++) {
				write();
				real.writePacked(one(keys, i, key.size), one(values, i, value.size), 1);
			}
		},
		deletePacked(keys, count) {
			let deleted = 0;
			for (let i = 0; i < count; i++) {
				write();
				deleted += real.deletePacked(one(keys, i, key.size), 1);
			}
			return deleted;
		},
	};
	return new Proxy(real, {
		get(target, name) {
			const own = Reflect.get(writers, name);
			if (own) return own;
			const member = Reflect.get(target, name);
			if (typeof member !== "function") return member;
			return (...args: unknown[]) => {
				if (name !== "close") alive();
				return member.apply(target, args);
			};
		},
	});
}
