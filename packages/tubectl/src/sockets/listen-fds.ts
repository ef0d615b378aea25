import { badInput } from "@sluice/cli-kit";

/** How many sockets were passed: $LISTEN_FDS. $LISTEN_PID and $LISTEN_FDNAMES are not looked at. */
export function listenFds(
	vars: Readonly<Record<string, string | undefined>>,
): number {
	const text = vars.LISTEN_FDS;
	if (text === undefined)
		throw badInput(
			"no sockets passed: LISTEN_FDS is not set",
			"run it by socket activation, or use register-pid",
		);
	if (!/^[1-9]\d{0,4}$/.test(text))
		throw badInput(
			`LISTEN_FDS must be the number of sockets passed, got "${text}"`,
		);
	return Number(text);
}
