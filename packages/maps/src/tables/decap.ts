import { u32 } from "../codec.js";
import { NO_PREALLOC, type Table } from "../table.js";
import { type Endpoint, endpoint } from "./endpoint.js";

/** TABLE-DECAP: local endpoint → how many tunnels have it. */
export const decapTable: Table<Endpoint, number> = {
	name: "map_decap",
	type: "hash",
	flags: NO_PREALLOC,
	key: endpoint,
	value: u32,
};
