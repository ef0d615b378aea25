import { badInput, type Env, Failure, readText, values } from "@sluice/cli-kit";
import { bindingText, keyOf, withProtocol } from "./binding.js";
import { BindingSet } from "./binding-set.js";
import { literalLabel } from "./label.js";
import { prefix } from "./prefix.js";

/**
 * Reads tubular's JSON, `{"bindings": [{"label": …, "prefix": …, "port": …}]}`: each entry is a binding for tcp and
 * one for udp. All of it is checked before anything is changed.
 *
 * @throws Failure usage, which names the file and the entry
 */
export function readBindingsFile(
	path: string,
	env: Pick<Env, "input">,
): BindingSet {
	const text = readText(path, env);
	return inside(path, () => {
		const entries = entriesOf(parse(text));
		const wanted = new BindingSet(2 * entries.length);
		for (let i = 0; i < entries.length; i++) {
			inside(`bindings[${i}]`, () => addEntry(wanted, entries[i]));
			// A large file is not in memory twice.
			entries[i] = undefined;
		}
		return wanted;
	});
}

/** @throws Failure usage, where an earlier entry has the same prefix and port. */
function addEntry(wanted: BindingSet, entry: unknown): void {
	const fields = object(entry, ["label", "prefix", "port"]);
	const label = literalLabel("label", string("label", fields.label));
	const key = keyOf({
		protocol: "tcp",
		prefix: prefix("prefix", string("prefix", fields.prefix)),
		port: portOf(fields.port),
	});
	if (!wanted.add({ label, key }))
		throw badInput(
			`duplicate binding ${bindingText({ label, key })}: "${wanted.labelOf(key)}" has it already`,
		);
	wanted.add({ label, key: withProtocol(key, "udp") });
}

function entriesOf(document: unknown): unknown[] {
	const { bindings } = object(document, ["bindings"]);
	if (Array.isArray(bindings)) return bindings;
	throw badInput(`bindings must be a list, got ${kind(bindings)}`);
}

/** An object with no other fields than these. */
function object(
	value: unknown,
	known: readonly string[],
): Record<string, unknown> {
	if (typeof value !== "object" || value === null || Array.isArray(value))
		throw badInput(`must be an object, got ${kind(value)}`);
	for (const name of Object.keys(value))
		if (!known.includes(name))
			throw badInput(
				`unknown field ${JSON.stringify(name)}; known are ${known.join(", ")}`,
			);
	return value as Record<string, unknown>;
}

function string(name: string, value: unknown): string {
	if (typeof value === "string") return value;
	throw badInput(`${name} must be a string, got ${kind(value)}`);
}

function portOf(value: unknown): number {
	if (value === undefined)
		throw badInput("port is missing; 0 stands for every port");
	if (typeof value === "number" && Number.isInteger(value))
		return values.port("port", String(value));
	throw badInput(
		`port must be an integer from 0 to 65535, got ${JSON.stringify(value)}`,
	);
}

function kind(value: unknown): string {
	if (value === undefined) return "nothing";
	if (value === null) return "null";
	return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw badInput(`not JSON: ${(cause as Error).message}`);
	}
}

/** Says where in the file a mistake is. */
function inside<T>(where: string, act: () => T): T {
	try {
		return act();
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		const { kind, message, hint, code } = error;
		throw new Failure(kind, `${where}: ${message}`, {
			code,
			...(hint === undefined ? {} : { hint }),
		});
	}
}
