import type { Check } from "../finding.js";
import { backends } from "./backends.js";
import { bpffs } from "./bpffs.js";
import { capabilities } from "./capabilities.js";
import { counters } from "./counters.js";
import { fastPath } from "./fast-path.js";
import { firewall } from "./firewall.js";
import { forwarding } from "./forwarding.js";
import { full } from "./full.js";
import { gone } from "./gone.js";
import { iproute2 } from "./iproute2.js";
import { ipsec } from "./ipsec.js";
import { clsBpf, kernelVersion } from "./kernel.js";
import { libbpf } from "./libbpf.js";
import { linkType } from "./link-type.js";
import { localAddress } from "./local-address.js";
import { lockdown } from "./lockdown.js";
import { mtu } from "./mtu.js";
import { neighbour } from "./neighbour.js";
import { pathMtu } from "./path-mtu.js";
import { pinDirectory } from "./pin-directory.js";
import { pinger } from "./pinger.js";
import { pings } from "./pings.js";
import { proc } from "./proc.js";
import { duplicates, programs } from "./programs.js";
import { route } from "./route.js";
import { rpFilter } from "./rp-filter.js";
import { seccomp } from "./seccomp.js";
import { services } from "./services.js";
import { pinned, split } from "./tables.js";
import { unconfigured } from "./unconfigured.js";

/** Every check, the machine's before those that rest on them; the counters are read again at the end. */
export const checks: readonly Check[] = [
	libbpf,
	iproute2,
	proc,
	capabilities,
	seccomp,
	lockdown,
	bpffs,
	pinDirectory,
	kernelVersion,
	clsBpf,
	pinned,
	programs,
	duplicates,
	linkType,
	split,
	unconfigured,
	gone,
	full,
	services,
	localAddress,
	forwarding,
	rpFilter,
	firewall,
	ipsec,
	fastPath,
	backends,
	route,
	neighbour,
	mtu,
	pathMtu,
	pings,
	pinger,
	counters,
];
