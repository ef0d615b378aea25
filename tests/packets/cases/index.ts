import type { Outcome } from "@sluice/maps/tables";
import type { PacketCase } from "../../helpers/packet-case.js";
import { decap } from "./decap.js";
import { encap } from "./encap.js";
import { fragments } from "./fragments.js";
import { nat } from "./nat.js";
import { ping } from "./ping.js";

export const cases: readonly PacketCase[] = [
	...decap,
	...ping,
	...encap,
	...nat,
	...fragments,
];

/** Outcomes that no packet here can reach, and why. */
export const elsewhere: readonly Outcome[] = [];
