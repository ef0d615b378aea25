import type { Stats } from "node:fs";
import type { KernelTable, WritersLock } from "@sluice/maps";
import { defaultBpffs } from "@sluice/maps/bpffs";
import type { OpenTable, Table } from "@sluice/maps/table";
import type { Env, Kernel } from "./env.js";
import { Failure } from "./failure.js";
import { toJson } from "./output.js";
import { explainMissingPins, type Guard, type Pins } from "./pins.js";
import {
	type EachRow,
	type Lists,
	printDocument,
	printLines,
} from "./print-long.js";
import {
	type Opener,
	Transaction,
	type TransactionPlan,
} from "./transaction.js";
import { keepYoungGenerationSmall } from "./young-generation.js";

/** What a context is made of. */
interface ContextParts {
	readonly env: Env;
	/** Undefined: the command said `kernel: false`. */
	readonly kernel?: Kernel | undefined;
	/** Options of the command line, by name. */
	readonly options: Readonly<Record<string, unknown>>;
	readonly pins?: Pins | undefined;
	readonly guard?: Guard | undefined;
	/** In front of warnings, "cli_tunnel: ping". */
	readonly name: string;
}

/** What a command is run with: its environment, and the options that every command has. */
export class Context {
	readonly env: Env;
	/** One JSON document in place of text. */
	readonly json: boolean;
	/** The bpffs of --bpffs, or the default. */
	readonly bpffs: string;
	/** Options of the whole program, by name. */
	readonly options: Readonly<Record<string, unknown>>;
	/** What a context of another kind is made of. */
	readonly parts: ContextParts;
	#directory: string | undefined;
	/** Whether the guard has let this context read. */
	protected mayRead = false;

	constructor(parts: ContextParts) {
		const { env, options } = parts;
		this.parts = parts;
		this.env = env;
		this.options = options;
		this.json = options.json === true;
		this.bpffs =
			(options.bpffs as string | undefined) ?? defaultBpffs(env.vars);
	}

	get kernel(): Kernel {
		if (!this.parts.kernel)
			throw new Error(
				"a command that says `kernel: false` asked for the kernel",
			);
		return this.parts.kernel;
	}

	/** Where the program's maps are pinned. */
	get pins(): Pins {
		if (!this.parts.pins)
			throw new Error("a program without pins used a table");
		return this.parts.pins;
	}

	/** The directory of the pins. @throws Failure as `Pins.directory`. */
	get pinDirectory(): string {
		this.#directory ??= this.pins.directory(this.bpffs, this.options);
		return this.#directory;
	}

	/**
	 * Opens a pinned table.
	 * @throws Failure environment, where nothing is pinned; BpfError as `openTable` of the maps package.
	 */
	openTable<K, V>(
		table: Table<K, V>,
		options: { readOnly?: boolean } = {},
	): OpenTable<K, V> {
		if (!this.mayRead) this.parts.guard?.beforeReading(this);
		this.mayRead = true;
		return this.#open(table, options);
	}

	#open<K, V>(
		table: Table<K, V>,
		options?: { readOnly?: boolean },
	): KernelTable<K, V> {
		try {
			return this.kernel.openTable(table, this.pinDirectory, options);
		} catch (error) {
			throw this.#explained(error);
		}
	}

	#openToWrite<K, V>(table: Table<K, V>): KernelTable<K, V> {
		const open = this.#open(table);
		return this.parts.guard?.writable(this, table, open) ?? open;
	}

	/**
	 * Runs `change` under the writers' lock. What it changes is written together at its end, or not at all: where it
	 * throws, and where the process is killed.
	 *
	 * @throws BpfError the kernel refused: nothing was changed.
	 */
	locked<T>(change: (tables: Opener) => T): T {
		return this.transact((transaction) => {
			const result = change(transaction);
			transaction.commit();
			return result;
		});
	}

	/** As `locked`, for a caller that commits. */
	transact<T>(act: (transaction: Transaction) => T, plan?: TransactionPlan): T {
		const lock = new this.kernel.WritersLock(this.pinDirectory);
		try {
			this.take(lock);
			this.checkWritable();
			const transaction = this.transaction(plan);
			try {
				transaction.begin();
				return act(transaction);
			} finally {
				transaction.close();
			}
		} finally {
			lock.close();
		}
	}

	/** As `transact`. A signal that arrives while the changes are written ends the process afterwards. */
	async transactMany<T>(
		act: (transaction: Transaction) => T,
		plan: TransactionPlan,
	): Promise<T> {
		if (plan.whole) keepYoungGenerationSmall();
		let release: (() => Promise<void>) | undefined;
		const beforeWriting = () => {
			release ??= this.env.holdSignals?.();
		};
		try {
			return this.transact(act, { ...plan, beforeWriting });
		} finally {
			await release?.();
		}
	}

	protected transaction(plan?: TransactionPlan): Transaction {
		const { guard } = this.parts;
		return new Transaction(
			{
				kernel: this.kernel,
				directory: this.pinDirectory,
				tables: this.pins.tables,
				open: (table) => this.#openToWrite(table),
				begin: () => guard?.beforeWriting(this),
				recovered: () => guard?.recovered(this),
			},
			plan,
		);
	}

	/**
	 * Runs `act`, which does not wait, to its end: a signal that arrives meanwhile ends the process afterwards, when what
	 * was done is printed.
	 */
	async uninterrupted<T>(act: () => T): Promise<T> {
		const release = this.env.holdSignals?.();
		try {
			return act();
		} finally {
			await release?.();
		}
	}

	/** Runs a check once all lines of a batch are staged; now, where there is no batch. */
	atEnd(check: () => void): void {
		check();
	}

	/**
	 * Takes the writers' lock.
	 * @returns the state of the pin directory under the lock
	 */
	protected take(lock: WritersLock): Stats {
		try {
			return lock.take();
		} catch (error) {
			throw this.#explained(error);
		}
	}

	/** Called under the writers' lock. @throws Failure nothing may be written to the pinned tables now */
	protected checkWritable(): void {
		const refusal = this.pins.refusal?.(this.pinDirectory);
		if (refusal)
			throw new Failure("failed", refusal.message, { hint: refusal.hint });
	}

	/** Explains an error of opening or locking that is about missing pins. */
	#explained(error: unknown): unknown {
		return explainMissingPins(error, this.pins, this.bpffs, this.pinDirectory);
	}

	/** Whether changes are staged until all lines of a batch are checked, so that reads do not see them in the kernel. */
	get staged(): boolean {
		return false;
	}

	/**
	 * Prints lines of text, or the JSON document with --json. Either may be a function, called where it is
	 * needed: a batch prints neither.
	 */
	print(
		lines: readonly string[] | (() => readonly string[]),
		document: unknown | (() => unknown),
	): void {
		if (this.json) {
			const value = typeof document === "function" ? document() : document;
			this.env.out(`${toJson(value)}\n`);
			return;
		}
		const list = typeof lines === "function" ? lines() : lines;
		if (list.length > 0) this.env.out(`${list.join("\n")}\n`);
	}

	/** Text in red, where a person reads it and has no objection (NO_COLOR, as in no-color.org). */
	red(text: string): string {
		const { isTerminal, vars } = this.env;
		return isTerminal && !vars.NO_COLOR ? `\x1b[31m${text}\x1b[39m` : text;
	}

	/** Prints a line on stderr, beside the result: with the command's name, or as a JSON document. */
	warn(message: string): void {
		this.env.err(
			this.json
				? `${toJson({ warning: { message } })}\n`
				: `${this.parts.name}: ${message}\n`,
		);
	}

	/** As `print`, for what may be so long that it need not all be there at once. */
	printLong(lines: EachRow<string>, lists: Lists): void {
		const { out } = this.env;
		if (this.json) printDocument(lists, out);
		else printLines(lines, out);
	}
}
