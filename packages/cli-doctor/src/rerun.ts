import { existsSync } from "node:fs";

/** Docker's own set has neither; a restart must keep the options of the first start. */
const CAPABILITIES = "--cap-add=BPF --cap-add=NET_ADMIN";

/**
 * What was taken from a process cannot be given back to it: the program has to be started otherwise. The service
 * manager starts it with all capabilities of the machine; without one, the container must be started with them.
 */
export const rerun = (option?: string): string =>
	existsSync("/run/systemd/system")
		? "systemd-run --quiet --wait --pipe cli_doctor"
		: ["docker run", CAPABILITIES, option, "IMAGE"].filter(Boolean).join(" ");
