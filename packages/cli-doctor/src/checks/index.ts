import type { Check } from "../finding.js";
import { bpffs } from "./bpffs.js";
import { capabilities } from "./capabilities.js";
import { forwarding } from "./forwarding.js";
import { full } from "./full.js";
import { gone } from "./gone.js";
import { iproute2 } from "./iproute2.js";
import { clsBpf, kernelVersion } from "./kernel.js";
import { libbpf } from "./libbpf.js";
import { localAddress } from "./local-address.js";
import { lockdown } from "./lockdown.js";
import { mtu } from "./mtu.js";
import { neighbour } from "./neighbour.js";
import { duplicates, programs } from "./programs.js";
import { route } from "./route.js";
import { rpFilter } from "./rp-filter.js";
import { seccomp } from "./seccomp.js";
import { pinned, split } from "./tables.js";

/** Every check, the machine's before those that rest on them. */
export const checks: readonly Check[] = [
	libbpf,
	iproute2,
	capabilities,
	seccomp,
	lockdown,
	bpffs,
	kernelVersion,
	clsBpf,
	pinned,
	programs,
	duplicates,
	split,
	gone,
	full,
	localAddress,
	forwarding,
	rpFilter,
	route,
	neighbour,
	mtu,
];
