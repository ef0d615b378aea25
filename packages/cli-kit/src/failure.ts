/** Exit codes, the same in text and JSON. */
export const exitCodes = {
	/** The message names the operation and its object. */
	failed: 1,
	/** Bad usage or bad input: nothing was changed. */
	usage: 2,
	/** No such entry. */
	missing: 3,
	/** The machine cannot: not root, no bpffs, tables not pinned yet, no libbpf. */
	environment: 4,
} as const;

export type FailureKind = keyof typeof exitCodes;

interface FailureOptions {
	/** What to do next. */
	hint?: string;
	/** How the command is called, where the command line is wrong. */
	usage?: string;
	/** The message without the words that were typed. */
	discreet?: string;
	/** For programs, in place of the kind's own word. */
	code?: string;
	cause?: unknown;
}

/** An end that has been explained: the program prints the message and exits with the kind's code. */
export class Failure extends Error {
	override name = "Failure";
	readonly kind: FailureKind;
	/** What JSON carries as `error.code`. */
	readonly code: string;
	readonly hint: string | undefined;
	readonly usage: string | undefined;
	/** The message without the words that were typed, where it has any. */
	readonly discreet: string | undefined;
	/** Printed on a line each; `message` has all of them. */
	readonly messages: readonly string[];

	constructor(
		kind: FailureKind,
		message: string | readonly string[],
		options: FailureOptions = {},
	) {
		const messages = typeof message === "string" ? [message] : message;
		super(messages.join("\n"), { cause: options.cause });
		this.messages = messages;
		this.kind = kind;
		this.code = options.code ?? codes[kind];
		this.hint = options.hint;
		this.usage = options.usage;
		this.discreet = options.discreet;
	}
}

const codes: Record<FailureKind, string> = {
	failed: "FAILED",
	usage: "USAGE",
	missing: "NOT_FOUND",
	environment: "ENVIRONMENT",
};

/** Bad input, or several mistakes in it: exit code 2, nothing was changed. */
export const badInput = (message: string | readonly string[], hint?: string) =>
	new Failure("usage", message, hint === undefined ? {} : { hint });

/**
 * A word that is not a valid value.
 * @param must what it must be, "must be tcp or udp"
 */
export const wrongValue = (name: string, must: string, typed: string) =>
	new Failure("usage", `${name} ${must}, got "${typed}"`, {
		discreet: `${name} ${must}`,
	});

/** No such entry: exit code 3. */
export const missing = (message: string) => new Failure("missing", message);

/** No interface of this name: exit code 3. */
export const noInterface = (name: string) =>
	new Failure("missing", `no interface "${name}"`, {
		hint: 'see "ip -brief link"',
	});
