import { badInput, values } from "@sluice/cli-kit";
import {
	Mistakes,
	type Path,
	type PositionAt,
	readDocument,
	readJsonRows,
	type Source,
} from "@sluice/document";
import {
	type Direction,
	flagNames,
	protocols,
	sourcePorts,
	tokenModes,
} from "@sluice/maps/tables";
import {
	addressKind,
	anyMove,
	noFlowPort,
	optionFlags,
	type Service,
	type SigningKey,
	type TunnelSpec,
	UNKNOWN,
} from "@sluice/tunnel";
import type { ConfigRow, Machine, TunnelRow } from "../machine.js";
import { checkTogether } from "./check.js";
import { isV6, socketAddress } from "./endpoint.js";
import { forgetKeyFiles, readKeys, readSigningKey } from "./keys.js";
import { type Fields, Reader } from "./reader.js";
import { API_VERSION, generation, KIND, LEARNED } from "./words.js";

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
	json?: string;
}

/**
 * Reads a document, and checks all that can be known without the machine.
 * @throws Failure usage: every mistake with file, line, column and path; no key is repeated
 */
export function readMachine(file: string, text: string): ReadMachine {
	try {
		const source = readJsonRows(text, LONG_LISTS);
		if (source) return readContent(file, source);
	} catch (error) {
		// What begins as JSON may be YAML.
		if (!(error instanceof SyntaxError)) throw error;
	}
	const mistakes = new Mistakes(file, true);
	return readContent(file, readDocument(text, mistakes), mistakes);
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
		config: rows(reader, top, "config", configRow),
		tunnels: rows(reader, top, "tunnels", tunnelRow),
		services: rows(reader, top, "services", serviceRow),
	};
}

/** The rows of a list that are right. */
function rows<T>(
	reader: Reader,
	top: Fields,
	key: string,
	row: (reader: Reader, value: unknown, path: Path) => T | undefined,
): T[] {
	const found: T[] = [];
	let i = 0;
	for (const value of reader.list(top[key], [key])) {
		const one = row(reader, value, [key, i++]);
		if (one !== undefined) found.push(one);
	}
	return found;
}

/** The name of a machine. @throws Failure usage */
export function machineName(name: string, text: string): string {
	if (/^[\w.-]+$/.test(text) && text.length <= LONGEST_NAME) return text;
	throw badInput(
		`${name} must be 1 to ${LONGEST_NAME} letters, digits, dots, dashes and underscores, got "${text}"`,
	);
}

const CONFIG = ["interface", "direction", "id", "flags", "name"];

/** A row of `config`; undefined where there is a mistake. */
export function configRow(
	reader: Reader,
	value: unknown,
	path: Path,
): ConfigRow | undefined {
	const row = reader.mapping(value, path, CONFIG);
	if (!row) return undefined;
	const name = reader.text(row, "interface", path, (_, text) => text);
	const direction = reader.text(row, "direction", path, directionOf);
	const id = reader.number(row, "id", path, values.u32);
	const label = reader.text(row, "name", path, instanceName);
	if (direction === undefined) return undefined;
	let flags = 0;
	const words = [...reader.list(row.flags, [...path, "flags"])];
	for (const [i, word] of words.entries()) {
		const at = [...path, "flags"];
		flags |=
			reader.text({ [i]: word }, String(i), at, (_, text) =>
				flag(text, direction),
			) ?? 0;
	}
	if (name === undefined || id === undefined || label === undefined)
		return undefined;
	return { interface: name, direction, config: { id, flags, name: label } };
}

function directionOf(name: string, text: string): Direction {
	if (text === "ingress" || text === "egress") return text;
	throw badInput(`${name} must be ingress or egress, got "${text}"`);
}

function flag(text: string, direction: Direction): number {
	const known = flagNames[direction];
	const bit = Object.hasOwn(known, text) ? known[text] : undefined;
	if (bit !== undefined) return bit;
	throw badInput(
		`unknown flag "${text}"; known are ${Object.keys(known).join(", ")}`,
	);
}

/** Bytes that the name of an instance may have. */
const LONGEST_INSTANCE = 31;

const CONTROL = /\p{Cc}/u;

function instanceName(name: string, text: string): string {
	if (Buffer.byteLength(text) <= LONGEST_INSTANCE && !CONTROL.test(text))
		return text;
	throw badInput(
		`${name} must be at most ${LONGEST_INSTANCE} bytes long, without control characters, got ${JSON.stringify(text)}`,
	);
}

const TUNNEL = ["id", "local", "remote"];

/** A row of `tunnels`; undefined where there is a mistake. */
export function tunnelRow(
	reader: Reader,
	value: unknown,
	path: Path,
): TunnelRow | undefined {
	const row = reader.mapping(value, path, TUNNEL, [
		"moveAfter",
		"moveWithin",
		"token",
		"sourcePort",
	]);
	if (!row) return undefined;
	const id = reader.number(row, "id", path, values.u32);
	const local = reader.text(row, "local", path, socketAddress);
	const remote =
		row.remote === LEARNED
			? { address: UNKNOWN, port: 0 }
			: reader.text(row, "remote", path, socketAddress);
	if (id === undefined || !local || !remote) return undefined;
	const localKind = addressKind(local.address);
	if (localKind && localKind !== "loopback")
		reader.wrong(
			[...path, "local"],
			`must be an address of this machine, got the kind ${localKind}`,
		);
	if (row.remote !== LEARNED)
		refuseKind(reader, [...path, "remote"], remote.address);
	if (row.remote !== LEARNED && isV6(local) !== isV6(remote))
		reader.wrong(path, "local and remote must be of one family");
	const spec: TunnelSpec = {
		local: local.address,
		localPort: local.port,
		remote: remote.address,
		remotePort: remote.port,
		options: optionsOf(reader, row, path, remote.address),
	};
	return { id, spec };
}

/** Undefined: any ping moves the far end, packets carry keys, and the source port is fixed. */
function optionsOf(
	reader: Reader,
	row: Fields,
	path: Path,
	remote: string,
): TunnelSpec["options"] {
	const { moveAfter, moveWithin } = row;
	const word = <const T extends string>(field: string, words: readonly T[]) =>
		row[field] === undefined
			? undefined
			: reader.text(row, field, path, (name, text) =>
					values.word(name, text, words),
				);
	const sourcePort = word("sourcePort", sourcePorts) ?? "fixed";
	const flags = optionFlags(word("token", tokenModes) ?? "off", sourcePort);
	if (moveAfter === undefined && moveWithin === undefined && flags === 0)
		return undefined;
	const after =
		moveAfter === undefined
			? undefined
			: typeof moveAfter === "string"
				? reader.text(row, "moveAfter", path, values.moveAfter)
				: reader.number(row, "moveAfter", path, values.moveAfter);
	const within =
		moveWithin === undefined
			? undefined
			: reader.text(row, "moveWithin", path, values.prefix);
	const options = { ...anyMove, ...within, moveAfter: after ?? 0, flags };
	const reason =
		sourcePort === "flow" ? noFlowPort({ remote, options }) : undefined;
	if (reason) reader.wrong([...path, "sourcePort"], reason);
	return options;
}

/** An address that no other host can have. */
function refuseKind(reader: Reader, path: Path, address: string): void {
	const kind = addressKind(address);
	if (kind)
		reader.wrong(path, `must be an address of a host, got the kind ${kind}`);
}

const SERVICE = [
	"service",
	"group",
	"protocol",
	"proxy",
	"backend",
	"tunnel",
	"keys",
];

/** A row of `services`; undefined where there is a mistake. */
export function serviceRow(
	reader: Reader,
	value: unknown,
	path: Path,
): Service | undefined {
	const row = reader.mapping(value, path, SERVICE, [
		"signingKey",
		"otherSigningKey",
		"requireSigned",
	]);
	if (!row) return undefined;
	const service = reader.number(row, "service", path, values.u16);
	const group = reader.number(row, "group", path, values.u16);
	const protocol = reader.text(row, "protocol", path, values.protocol);
	const proxy = reader.text(row, "proxy", path, socketAddress);
	const backend = reader.text(row, "backend", path, socketAddress);
	const tunnel = reader.number(row, "tunnel", path, values.u32);
	const signing = signingOf(reader, row, path);
	const otherSigning = otherSigningOf(reader, row, path);
	const [key, other] = readKeys(row.keys, [...path, "keys"], reader) ?? [];
	if (service === undefined || group === undefined || !protocol)
		return undefined;
	if (!proxy || !backend || tunnel === undefined || !key) return undefined;
	// A loopback address may be meant, on a machine that is set up for it.
	for (const [key, { address }] of Object.entries({ proxy, backend }))
		if (addressKind(address) !== "loopback")
			refuseKind(reader, [...path, key], address);
	if (isV6(proxy) !== isV6(backend))
		reader.wrong(path, "proxy and backend must be of one family");
	const proto = protocols[protocol];
	return {
		sid: { service, group },
		proxy: { address: proxy.address, port: proxy.port, proto },
		backend: { address: backend.address, port: backend.port, proto },
		tunnel,
		key,
		...(other ? { other: { key: other, signing: otherSigning } } : {}),
		...(signing ? { signing } : {}),
	};
}

/** Undefined: pings of the service are not signed. */
function signingOf(
	reader: Reader,
	row: Fields,
	path: Path,
): SigningKey | undefined {
	const { signingKey, requireSigned = false } = row;
	if (typeof requireSigned !== "boolean")
		reader.wrong([...path, "requireSigned"], "expected true or false");
	if (signingKey === undefined) {
		if (requireSigned === true)
			reader.wrong([...path, "requireSigned"], "needs a signingKey");
		return undefined;
	}
	const at = [...path, "signingKey"];
	const key = readSigningKey(signingKey, at, reader);
	return key && { key, required: requireSigned === true };
}

/** The signing key of the second key; undefined: none. */
function otherSigningOf(
	reader: Reader,
	row: Fields,
	path: Path,
): Buffer | undefined {
	const { otherSigningKey, signingKey, keys } = row;
	if (otherSigningKey === undefined) return undefined;
	const at = [...path, "otherSigningKey"];
	if (signingKey === undefined || !Array.isArray(keys) || keys.length !== 2) {
		reader.wrong(at, "needs a signingKey and two keys");
		return undefined;
	}
	return readSigningKey(otherSigningKey, at, reader);
}
