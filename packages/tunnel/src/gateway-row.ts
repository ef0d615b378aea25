import {
	type Config,
	type ConfigKey,
	flagWords,
	queues,
} from "@sluice/maps/tables";

/** Whether a row makes its machine a gateway. */
export const isGatewayRow = ({ queue }: ConfigKey, { flags }: Config) =>
	queue === queues.egress && flagWords(queue, flags).includes("proxy");
