import { statSync } from "node:fs";
import type { OpenTable, Table } from "@sluice/maps/table";
import { Context } from "../context.js";
import { toJson } from "../output.js";
import type { Lists, Rows } from "../print-long.js";
import type { Transaction } from "../transaction.js";

/** What the lines of a stream are run with: tables stay open from line to line, and what is printed is the answer. */
export class StreamContext extends Context {
	// biome-ignore lint/suspicious/noExplicitAny: each table keeps its own types to itself
	readonly #open = new Map<unknown, OpenTable<any, any>>();
	/** What the pins were when the tables were opened. */
	#pinsState = "";
	/** Whether the pins have been looked at for this line. */
	#isCurrent = false;
	#answer = "";
	#transaction: Transaction | undefined;

	constructor(outer: Context) {
		super(outer.parts);
	}

	/** Before each line. */
	begin(): void {
		this.#answer = this.json ? "{}" : "ok";
		this.#isCurrent = false;
	}

	/** The answer to the line. */
	end(): string {
		return this.#answer;
	}

	override openTable<K, V>(
		table: Table<K, V>,
		options?: { readOnly?: boolean },
	): OpenTable<K, V> {
		if (!this.#isCurrent) this.#closeIfPinsChanged();
		let open = this.#open.get(table);
		if (!open) {
			open = super.openTable(table, options);
			this.#open.set(table, open);
		}
		return open;
	}

	/** Under the lock: the pins may have changed while it was waited for. */
	protected override transaction(): Transaction {
		this.#closeIfPinsChanged();
		this.#transaction ??= super.transaction();
		return this.#transaction;
	}

	protected override release(): void {}

	override print(
		lines: readonly string[] | (() => readonly string[]),
		document: unknown,
	): void {
		this.#answer = this.json
			? toJson(typeof document === "function" ? document() : document)
			: ["ok", ...(typeof lines === "function" ? lines() : lines)].join("\t");
	}

	override printLong(lines: Rows<string>, lists: Lists): void {
		this.print(
			() => all(lines),
			() =>
				Object.fromEntries(
					Object.entries(lists).map(([name, list]) => [name, all(list)]),
				),
		);
	}

	/** Pins that were removed and made again are other tables. */
	#closeIfPinsChanged(): void {
		this.#isCurrent = true;
		const stats = statSync(this.pinDirectory, { throwIfNoEntry: false });
		const state = stats ? `${stats.dev} ${stats.ino} ${stats.mtimeMs}` : "";
		if (state === this.#pinsState) return;
		this.#pinsState = state;
		for (const table of this.#open.values()) table.close();
		this.#open.clear();
		this.mayRead = false;
		this.#transaction?.close();
	}
}

function all<T>(rows: Rows<T>): T[] {
	const list: T[] = [];
	rows((row) => void list.push(row));
	return list;
}
