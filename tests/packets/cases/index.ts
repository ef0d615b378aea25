import type { PacketCase } from "../../helpers/packet-case.js";
import { decap } from "./decap.js";
import { encap } from "./encap.js";
import { fast } from "./fast.js";
import { fragments } from "./fragments.js";
import { icmpErrors } from "./icmp-errors.js";
import { nat } from "./nat.js";
import { notOurs } from "./not-ours.js";
import { ping } from "./ping.js";
import { reach } from "./reach.js";
import { route } from "./route.js";
import { sourcePort } from "./source-port.js";
import { tokens } from "./tokens.js";
import { tooBig } from "./too-big.js";

export const cases: readonly PacketCase[] = [
	...decap,
	...notOurs,
	...ping,
	...encap,
	...nat,
	...fragments,
	...icmpErrors,
	...reach,
	...route,
	...tooBig,
	...fast,
	...sourcePort,
	...tokens,
];
