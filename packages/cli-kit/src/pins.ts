import { existsSync } from "node:fs";
import type { KernelTable } from "@sluice/maps";
import { isBpffs } from "@sluice/maps/bpffs";
import type { AnyTable, Table } from "@sluice/maps/table";
import { noBpffs } from "./bpffs.js";
import { Failure } from "./failure.js";

/** Where a program's maps are pinned. */
export interface Pins {
	/**
	 * The directory of the pins.
	 * @param options of the command line
	 * @throws Failure
	 */
	directory(bpffs: string, options: Readonly<Record<string, unknown>>): string;
	/** The error where that directory does not exist. */
	absent(directory: string): { message: string; code: string; hint: string };
	/**
	 * Why nothing may be written to the pinned tables now; undefined: it may. Called under the writers' lock. A stream calls it
	 * again only where the modification time of the directory has changed, so whatever causes a refusal must touch it first.
	 */
	refusal?(directory: string): { message: string; hint: string } | undefined;
	/** What to do where the directory lacks a pin. */
	hint: string;
	/** The tables that the program changes, in the order in which entries are added; deletes go the other way. */
	tables: readonly AnyTable[];
	/** What has to be done before the tables are used, loaded with the kernel's side. */
	guard?(): Promise<Guard>;
}

/** What determines where the pins are. */
export interface PinsContext {
	readonly bpffs: string;
	/** Of the whole program, by name. */
	readonly options: Readonly<Record<string, unknown>>;
	readonly pinDirectory: string;
}

/** Stands before the tables of a program whose pins are more than tables. */
export interface Guard {
	/** Called before a command opens its first table for reading. @throws Failure */
	beforeReading(context: PinsContext): void;
	/**
	 * Called under the writers' lock before tables are opened, and again when pins have changed.
	 * @throws Failure
	 */
	beforeWriting(context: PinsContext): void;
	/** Called under the writers' lock when the change of a killed writer has been completed. */
	recovered(context: PinsContext): void;
	/** Gives what writes to a table that was opened. */
	writable<K, V>(
		context: PinsContext,
		table: Table<K, V>,
		open: KernelTable<K, V>,
	): KernelTable<K, V>;
}

/** Explains a missing pin or directory; any other error is returned as it is. */
export function explainMissingPins(
	error: unknown,
	pins: Pins,
	bpffs: string,
	directory: string,
): unknown {
	const errno = (error as { code?: string }).code;
	if (errno !== "ENOENT" && errno !== "ENOTDIR") return error;
	if (!isBpffs(bpffs)) return noBpffs(bpffs, error);
	const { message, code, hint } = existsSync(directory)
		? { message: (error as Error).message, code: "ENOENT", hint: pins.hint }
		: pins.absent(directory);
	return new Failure("environment", message, { code, hint, cause: error });
}
