import { type Stats, statSync } from "node:fs";
import type { WritersLock } from "@sluice/maps";
import type { OpenTable, Table } from "@sluice/maps/table";
import { Context } from "../context.js";
import { toJson } from "../output.js";
import type { EachRow, Lists } from "../print-long.js";
import type { Transaction } from "../transaction.js";

/**
 * What the lines of a stream are run with: tables stay open from line to line, the lock is held to the end of a burst
 * of lines, and what is printed is the answer.
 */
export class StreamContext extends Context {
	// biome-ignore lint/suspicious/noExplicitAny: each table keeps its own types to itself
	readonly #open = new Map<unknown, OpenTable<any, any>>();
	/** The pin directory when the tables were opened. */
	#pinsStats: Stats | undefined;
	/** Whether the pins have been looked at in this burst. */
	#isCurrent = false;
	/** Whether these pins may be written to. */
	#mayWrite = false;
	#answer = "";
	#lock: WritersLock | undefined;
	#isLocked = false;
	#transaction: Transaction | undefined;

	constructor(outer: Context) {
		super(outer.parts);
	}

	/** Before each line. */
	begin(): void {
		this.#answer = this.json ? "{}" : "ok";
	}

	/** The answer to the line. */
	end(): string {
		return this.#answer;
	}

	/** Gives the lock back, after a burst of lines. */
	endBurst(): void {
		if (this.#isLocked) this.#lock?.release();
		this.#isLocked = false;
		this.#isCurrent = false;
	}

	override openTable<K, V>(
		table: Table<K, V>,
		options?: { readOnly?: boolean },
	): OpenTable<K, V> {
		if (!this.#isCurrent)
			this.#closeIfPinsChanged(
				statSync(this.pinDirectory, { throwIfNoEntry: false }),
			);
		let open = this.#open.get(table);
		if (!open) {
			open = super.openTable(table, options);
			this.#open.set(table, open);
		}
		return open;
	}

	/** Each line is a change of its own, also where lines of a burst share the lock. */
	override transact<T>(act: (transaction: Transaction) => T): T {
		try {
			const transaction = this.#begun();
			return act(transaction);
		} catch (error) {
			// Where the kernel refused, the record may have to be completed: the next line looks.
			this.endBurst();
			throw error;
		}
	}

	#begun(): Transaction {
		if (this.#isLocked && this.#transaction) {
			this.#transaction.reset();
			return this.#transaction;
		}
		this.#lock ??= new this.kernel.WritersLock(this.pinDirectory);
		this.#isLocked = true;
		// The pins may have changed while the lock was waited for.
		this.#closeIfPinsChanged(this.take(this.#lock));
		if (!this.#mayWrite) this.checkWritable();
		this.#mayWrite = true;
		this.#transaction ??= this.transaction();
		this.#transaction.begin();
		return this.#transaction;
	}

	override print(
		lines: readonly string[] | (() => readonly string[]),
		document: unknown,
	): void {
		this.#answer = this.json
			? toJson(typeof document === "function" ? document() : document)
			: ["ok", ...(typeof lines === "function" ? lines() : lines)].join("\t");
	}

	override printLong(lines: EachRow<string>, lists: Lists): void {
		this.print(
			() => all(lines),
			() =>
				Object.fromEntries(
					Object.entries(lists).map(([name, list]) => [name, all(list)]),
				),
		);
	}

	/** Pins that were removed and made again are other tables. */
	#closeIfPinsChanged(stats: Stats | undefined): void {
		this.#isCurrent = true;
		const before = this.#pinsStats;
		if (
			stats?.ino === before?.ino &&
			stats?.dev === before?.dev &&
			stats?.mtimeMs === before?.mtimeMs
		)
			return;
		this.#pinsStats = stats;
		for (const table of this.#open.values()) table.close();
		this.#open.clear();
		this.mayRead = false;
		this.#mayWrite = false;
		this.#transaction?.close();
	}
}

function all<T>(rows: EachRow<T>): T[] {
	const list: T[] = [];
	rows((row) => void list.push(row));
	return list;
}
