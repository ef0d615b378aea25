import { badInput, values } from "@sluice/cli-kit";
import { type Path, readKeyFile } from "@sluice/document";
import { type Reader, shown } from "./reader.js";

/** Ways to write a key, each with the parser of its text. */
const ways: Record<string, (name: string, text: string) => Buffer> = {
	text(name, text) {
		if (/^(hex|base64):/.test(text))
			throw badInput(`${name} must be written as hex or base64 then`);
		return values.key(name, text);
	},
	hex: (name, text) => values.key(name, `hex:${text}`),
	base64: (name, text) => values.key(name, `base64:${text}`),
	file: (name, text) => keyOfFile(name, text),
};

const names = Object.keys(ways);
const NONE: readonly string[] = [];

/** Whether keys of a document may be in files; the word may be written with escapes. */
export const hasKeyFiles = (bytes: Buffer): boolean =>
	bytes.includes("\\u") ||
	(bytes.includes("file") && /\bfile\b/.test(bytes.toString()));

/** A file may hold the key of many services: each is read once a document. */
const files = new Map<string, string>();

/** Clears the contents of the key files. */
export const forgetKeyFiles = (): void => files.clear();

function keyOfFile(name: string, file: string): Buffer {
	if (!file.startsWith("/"))
		throw badInput(`${name} must be an absolute path, got "${file}"`);
	let text = files.get(file);
	if (text === undefined) {
		text = readKeyFile(file, file);
		files.set(file, text);
	}
	return values.key(`what ${file} holds`, text);
}

/**
 * The keys of a service: a list of mappings, `text`, `hex`, `base64` or `file`. The first is sent; the second, during a
 * rotation, is accepted, too. No mistake repeats a key.
 */
export function readKeys(
	value: unknown,
	path: Path,
	reader: Reader,
): [own: Buffer, other?: Buffer] | undefined {
	if (value === "hidden") {
		reader.wrong(path, "the keys were left out; export with --show-keys");
		return undefined;
	}
	if (!Array.isArray(value) || value.length < 1 || value.length > 2) {
		reader.wrong(
			path,
			`expected a list of one key, or two, got ${Array.isArray(value) ? `${value.length} keys` : shown(value)}`,
		);
		return undefined;
	}
	const [own, other] = value.map((one, i) =>
		readKey(one, [...path, i], reader),
	);
	if (!own || (value.length === 2 && !other)) return undefined;
	if (!other) return [own];
	if (other.equals(own)) reader.wrong(path, "both keys are the same");
	return [own, other];
}

/** A key that signs pings, written as a key; not all zero. */
export function readSigningKey(
	value: unknown,
	at: Path,
	reader: Reader,
): Buffer | undefined {
	if (value === "hidden") {
		reader.wrong(at, "the key was left out; export with --show-keys");
		return undefined;
	}
	const key = readKey(value, at, reader);
	return (
		key &&
		reader.checked(at.at(-1) as string, at.slice(0, -1), (name) =>
			values.notZero(name, key),
		)
	);
}

/** One key: a mapping of `text`, `hex`, `base64` or `file`. */
function readKey(value: unknown, at: Path, reader: Reader): Buffer | undefined {
	const fields = reader.mapping(value, at, NONE, names);
	if (!fields) return undefined;
	const given = Object.keys(fields);
	const [name] = given;
	if (given.length !== 1 || name === undefined) {
		reader.wrong(
			at,
			`expected one of ${names.join(", ")}, got ${given.length} of them`,
		);
		return undefined;
	}
	return reader.text(fields, name, at, ways[name] as (typeof ways)[string]);
}
