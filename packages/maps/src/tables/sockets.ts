import { u32, u64 } from "../codec.js";
import type { Table } from "../table.js";

/** Destination id → socket. Written as a descriptor of this process, read as the socket's cookie. */
export const socketsTable: Table<number, bigint> = {
	name: "sockets",
	type: "sockmap",
	flags: 0,
	key: u32,
	value: u64,
};
