import { bytes, struct, u16, u32, type ValueOf } from "../codec.js";
import { hash } from "../table.js";
import { endpoint } from "./endpoint.js";

/** A service's identity on the wire. Mirrors `struct sid` in `bpf/tunnel/tables.h`. */
export type Sid = ValueOf<typeof sid>;

export const sid = struct(4, {
	service: [0, u16],
	group: [2, u16],
});

/** What egress puts on a packet of the service. Mirrors `struct service`. */
export type Encap = ValueOf<typeof encap>;

export const encap = struct(24, {
	tunnel: [0, u32],
	sid: [4, sid],
	key: [8, bytes(16)],
});

/** What ingress holds a packet of the service against. Mirrors `struct verify`. */
export type Verify = ValueOf<typeof verify>;

export const verify = struct(60, {
	key: [0, bytes(16)],
	tunnel: [16, u32],
	proxy: [20, endpoint],
	backend: [40, endpoint],
});

/** TABLE-ENCAP: backend endpoint → service. */
export const encapTable = hash("map_encap", endpoint, encap);

/** TABLE-VERIFY: sid → the whole service. */
export const verifyTable = hash("map_verify", sid, verify);

/** TABLE-NAT: proxy → backend and backend → proxy. */
export const natTable = hash("map_nat", endpoint, endpoint);
