import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Event_EventType } from "../../generated/kv_pb.js";

/** One row. */
export interface Row {
	key: string;
	value: string;
}

/** One key with its value. */
export interface KeyValue extends Row {
	/** The revision that wrote it last. */
	revision: bigint;
}

/** One write, of a watch. */
export interface Write {
	key: string;
	/** Undefined: it was deleted. */
	value: string | undefined;
}

// Rows are many. As objects of the generated messages they would take five times as long, so that generate.mjs leaves
// them as bytes, whose fields are read here.

const KEY = 1;
const REVISION = 3;
const VALUE = 5;

/** Reads etcd's message KeyValue. */
export function readKeyValue(bytes: Uint8Array): KeyValue {
	const reader = new BinaryReader(bytes);
	let revision = 0n;
	while (reader.pos < reader.len) {
		const [field, type] = reader.tag();
		if (field === REVISION) revision = BigInt(reader.int64());
		else reader.skip(type, field);
	}
	return { ...readRow(bytes), revision };
}

/** As `readKeyValue`, without the revision. */
export function readRow(bytes: Uint8Array): Row {
	const reader = new BinaryReader(bytes);
	let key = "";
	let value = "";
	while (reader.pos < reader.len) {
		const [field, type] = reader.tag();
		if (field === KEY) key = reader.string();
		else if (field === VALUE) value = reader.string();
		else reader.skip(type, field);
	}
	return { key, value };
}

/** Reads etcd's message Event. */
export function readWrite(bytes: Uint8Array): Write {
	const reader = new BinaryReader(bytes);
	let isDelete = false;
	let row: Row = { key: "", value: "" };
	while (reader.pos < reader.len) {
		const [field, type] = reader.tag();
		if (field === 1) isDelete = reader.uint32() === Event_EventType.Delete;
		else if (field === 2) row = readRow(reader.bytes());
		else reader.skip(type, field);
	}
	return isDelete ? { key: row.key, value: undefined } : row;
}
