import { badInput } from "@sluice/cli-kit";
import {
	type JsonText,
	Mistakes,
	type Path,
	type PositionAt,
	readDocument,
	readJsonRows,
	type Source,
} from "@sluice/document";
import { type Machine, packedServices, packedTunnels } from "../machine.js";
import { checkTogether } from "./check.js";
import { configRow } from "./config-row.js";
import { forgetKeyFiles } from "./keys.js";
import { type Fields, Reader } from "./reader.js";
import { serviceRow } from "./service-row.js";
import { tunnelRow } from "./tunnel-row.js";
import { API_VERSION, generation, KIND } from "./words.js";

/** The lists that may be long. */
export const LONG_LISTS = ["tunnels", "services"];

/** Bytes of a machine's name. */
const LONGEST_NAME = 63;

/** A document that is right by itself, and where its parts are. */
export interface ReadMachine {
	machine: Machine;
	file: string;
	positionAt: PositionAt;
	/** The text that it was read from, where it is JSON. */
	json?: JsonText;
}

/**
 * Reads a document, and checks all that can be known without the machine.
 * @param bytes its text in UTF-8
 * @throws Failure usage: every mistake with file, line, column and path; no key is repeated
 */
export function readMachine(file: string, bytes: Buffer): ReadMachine {
	try {
		const source = readJsonRows(bytes, LONG_LISTS);
		if (source) return readContent(file, source);
	} catch (error) {
		// What begins as JSON may be YAML.
		if (!(error instanceof SyntaxError)) throw error;
	}
	const mistakes = new Mistakes(file, true);
	return readContent(file, readDocument(bytes.toString(), mistakes), mistakes);
}

/** As `readMachine`, of a document that is parsed already. */
export function readContent(
	file: string,
	{ content, positionAt, json }: Source,
	mistakes = new Mistakes(file, true),
): ReadMachine {
	const reader = new Reader(mistakes);
	const machine = machineOf(content, reader);
	forgetKeyFiles();
	mistakes.throwIfAny(positionAt);
	// Without a mistake there is a machine.
	const whole = machine as Machine;
	checkTogether(whole, mistakes, positionAt);
	mistakes.throwIfAny(positionAt);
	return {
		machine: whole,
		file,
		positionAt,
		...(json === undefined ? {} : { json }),
	};
}

function machineOf(content: unknown, reader: Reader): Machine | undefined {
	const top = reader.mapping(
		content,
		[],
		["apiVersion", "kind", "metadata"],
		["config", "tunnels", "services"],
	);
	if (!top) return undefined;
	// Of another version nothing is read: it would be half understood.
	if (top.apiVersion !== API_VERSION) {
		reader.wrong(["apiVersion"], `expected ${API_VERSION}`);
		return undefined;
	}
	if (top.kind !== KIND) reader.wrong(["kind"], `expected ${KIND}`);
	const metadata = reader.mapping(
		top.metadata,
		["metadata"],
		["name"],
		["generation"],
	);
	return {
		name: metadata
			? (reader.text(metadata, "name", ["metadata"], machineName) ?? "")
			: "",
		generation:
			metadata?.generation === undefined
				? undefined
				: reader.number(metadata, "generation", ["metadata"], generation),
		config: [...rows(reader, top, "config", configRow)],
		tunnels: packedTunnels(rows(reader, top, "tunnels", tunnelRow)),
		services: packedServices(rows(reader, top, "services", serviceRow)),
	};
}

/** The rows of a list that are right. */
function* rows<T>(
	reader: Reader,
	top: Fields,
	key: string,
	row: (reader: Reader, value: unknown, path: Path) => T | undefined,
): Generator<T> {
	let i = 0;
	for (const value of reader.list(top[key], [key])) {
		const one = row(reader, value, [key, i++]);
		if (one !== undefined) yield one;
	}
}

/** The name of a machine. @throws Failure usage */
export function machineName(name: string, text: string): string {
	if (/^[\w.-]+$/.test(text) && text.length <= LONGEST_NAME) return text;
	throw badInput(
		`${name} must be 1 to ${LONGEST_NAME} letters, digits, dots, dashes and underscores, got "${text}"`,
	);
}
