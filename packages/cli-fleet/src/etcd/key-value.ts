import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Event_EventType } from "../../generated/kv_pb.js";

/** One key with its value. */
export interface KeyValue {
	key: string;
	value: string;
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

/** Reads etcd's message KeyValue. */
export function readKeyValue(bytes: Uint8Array): KeyValue {
	const reader = new BinaryReader(bytes);
	const read: KeyValue = { key: "", value: "", revision: 0n };
	while (reader.pos < reader.len) {
		const [field, type] = reader.tag();
		if (field === 1) read.key = reader.string();
		else if (field === 3) read.revision = BigInt(reader.int64());
		else if (field === 5) read.value = reader.string();
		else reader.skip(type, field);
	}
	return read;
}

/** Reads etcd's message Event. */
export function readWrite(bytes: Uint8Array): Write {
	const reader = new BinaryReader(bytes);
	let isDelete = false;
	let read: Write = { key: "", value: "" };
	while (reader.pos < reader.len) {
		const [field, type] = reader.tag();
		if (field === 1) isDelete = reader.uint32() === Event_EventType.Delete;
		else if (field === 2) read = readKeyValue(reader.bytes());
		else reader.skip(type, field);
	}
	return isDelete ? { ...read, value: undefined } : read;
}
