import { type Config, type ConfigKey, flagWords } from "@sluice/maps/tables";

/** Whether a row makes its machine a gateway. */
export const isGatewayRow = ({ direction }: ConfigKey, { flags }: Config) =>
	direction === "egress" && flagWords(direction, flags).includes("proxy");
