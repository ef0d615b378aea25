import { u32 } from "../codec.js";
import { table } from "../table.js";
import { endpoint } from "./endpoint.js";

/** TABLE-DECAP: local endpoint → how many tunnels have it. */
export const decapTable = table("hash", "map_decap", endpoint, u32);
