import type { Config, ConfigKey } from "@sluice/maps/tables";

const EGRESS = 1;
/** `TX_PROXY` of bpf/include/tables.h. */
const PROXY = 1;

export const tunnelFlags = {
	/** Whether a row makes its machine a gateway. */
	isGateway: ({ queue }: ConfigKey, { flags }: Config) =>
		queue === EGRESS && (flags & PROXY) !== 0,
};
