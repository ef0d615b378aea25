import { u32 } from "../codec.js";
import { hash } from "../table.js";
import { endpoint } from "./endpoint.js";

/** TABLE-DECAP: local endpoint → how many tunnels have it. */
export const decapTable = hash("map_decap", endpoint, u32);
