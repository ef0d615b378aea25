import { existsSync } from "node:fs";

/** Docker's own set has neither; a second start must not lose what the first one named. */
const CAPABILITIES = "--cap-add=BPF --cap-add=NET_ADMIN";

/**
 * What was taken from a process cannot be given back to it: the program has to be started otherwise. The service
 * manager starts it with all that the machine has; without one, it is for whoever starts the container.
 */
export const rerun = (option?: string): string =>
	existsSync("/run/systemd/system")
		? "systemd-run --quiet --wait --pipe cli_doctor"
		: ["docker run", CAPABILITIES, option, "IMAGE"].filter(Boolean).join(" ");
