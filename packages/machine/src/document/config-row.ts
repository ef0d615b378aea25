import { badInput, values } from "@sluice/cli-kit";
import type { Path } from "@sluice/document";
import { type Direction, flagNames } from "@sluice/maps/tables";
import type { ConfigRow } from "../machine.js";
import type { Reader } from "./reader.js";

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
