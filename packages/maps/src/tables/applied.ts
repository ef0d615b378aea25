import { bytes, struct, text, u32, u64, type ValueOf } from "../codec.js";
import { array } from "../table.js";

/** What `cli_apply` has applied last. Mirrors `struct applied` in `bpf/tunnel/tables.h`. */
export type Applied = ValueOf<typeof applied>;

export const applied = struct(256, {
	/** 0: nothing was applied. */
	generation: [0, u64],
	/** Seconds since 1970. */
	time: [8, u64],
	/** Goes into the digests, so that no digest of a key is there to be compared with another machine's. */
	salt: [16, bytes(16)],
	/** SHA-256 of the file. */
	file: [32, bytes(32)],
	/** Digest of what the document says. */
	document: [64, bytes(32)],
	/** Digest of the rows with the names of their interfaces, without remotes, which pings may move. */
	state: [96, bytes(16)],
	/** The same with remotes, but for the time of the last ping. */
	rows: [112, bytes(16)],
	/** The document's name. */
	owner: [128, text(64)],
	/** The part of the tables that it owns; empty: all. */
	only: [192, text(64)],
});

/** One row, written after all others. */
export const appliedTable = array("map_applied", u32, applied);
