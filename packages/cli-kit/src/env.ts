/** The kernel's side, loaded when a command first needs it: start-up is part of the product. */
export type Kernel = typeof import("@sluice/maps");

/** The process's streams, environment and kernel; tests pass their own and run the whole program in process. */
export interface Env {
	/** Results; text as it is to be printed, with its newlines. */
	out(text: string): void;
	/** All else. */
	err(text: string): void;
	/** Environment variables. */
	readonly vars: Readonly<Record<string, string | undefined>>;
	/** Whether a person reads `out`. */
	readonly isTerminal: boolean;
	/** Whether a person reads `err`. */
	readonly isErrTerminal?: boolean;
	/** Columns of the terminal that shows `out`; undefined where it is none. */
	readonly columns?: number | undefined;
	/** Standard input as text, whole. */
	input(): string;
	/** The next part of standard input, waited for; undefined at its end. */
	inputPart?(): string | undefined;
	/** Aborted by Ctrl-C or SIGTERM, from its first use on: for commands that run until stopped. */
	stopped?(): AbortSignal;
	/**
	 * Holds SIGINT, SIGTERM and SIGHUP back.
	 * @returns a function that unblocks them: a signal that arrived meanwhile ends the process
	 */
	holdSignals?(): () => Promise<void>;
	kernel(): Promise<Kernel>;
}
