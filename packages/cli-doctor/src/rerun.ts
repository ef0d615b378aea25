import { existsSync } from "node:fs";

/**
 * What was taken from a process cannot be given back to it: the program has to be started otherwise. The service
 * manager starts it with all that the machine has; without one, it is for whoever starts the container.
 */
export const rerun = (container: string): string =>
	existsSync("/run/systemd/system")
		? "systemd-run --quiet --wait --pipe cli_doctor"
		: container;
