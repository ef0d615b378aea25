import { protocols } from "@sluice/maps/tables";

/** "1.2.3.4:80", "[2001:db8::1]:80". */
export const endpointText = (address: string, port: number) =>
	address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

/** 6 → "tcp"; a number that has no name here is printed as it is. */
export const protocolName = (proto: number): string =>
	Object.entries(protocols).find(([, number]) => number === proto)?.[0] ??
	String(proto);
