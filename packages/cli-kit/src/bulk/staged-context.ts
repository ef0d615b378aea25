import type { StagedTable } from "@sluice/maps";
import type { Table } from "@sluice/maps/table";
import { Context } from "../context.js";
import type { Opener, Transaction } from "../transaction.js";
import { envOfLine } from "./read-command.js";

/** A check that waits for the end of a batch. */
export interface DeferredCheck {
	/** The line that asked for it, counted from 1. */
	line: number;
	/** @throws Failure the line's error */
	check(): void;
}

/**
 * What the lines of a batch are run with: one transaction for all of them, and nothing printed. Warnings wait until the
 * changes are written.
 */
export class StagedContext extends Context {
	/** The line that is being run, counted from 1. */
	line = 0;
	readonly deferred: DeferredCheck[] = [];
	readonly #warnings: string[];
	readonly #outer: Context;
	readonly #transaction: Transaction;

	constructor(outer: Context, transaction: Transaction) {
		const warnings: string[] = [];
		const env = envOfLine(outer.env, {
			err: (text) => void warnings.push(text),
		});
		super({ ...outer.parts, env });
		this.#warnings = warnings;
		this.#outer = outer;
		this.#transaction = transaction;
	}

	override get staged(): boolean {
		return true;
	}

	override openTable<K, V>(table: Table<K, V>): StagedTable<K, V> {
		return this.#transaction.openTable(table);
	}

	/** The lock is held already, and the batch commits. */
	override locked<T>(change: (tables: Opener) => T): T {
		return change(this.#transaction);
	}

	override atEnd(check: () => void): void {
		this.deferred.push({ line: this.line, check });
	}

	override print(): void {}

	override printLong(): void {}

	/** Prints the warnings of the lines. */
	printWarnings(): void {
		for (const text of this.#warnings) this.#outer.env.err(text);
	}
}
