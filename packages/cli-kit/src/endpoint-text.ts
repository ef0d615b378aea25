import { protocols } from "@sluice/maps/tables";

/** "1.2.3.4:80", "[2001:db8::1]:80". */
export const endpointText = (address: string, port: number) =>
	address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

/** 6 → "tcp"; a number that has no name here is printed as it is. */
export const protocolName = (proto: number): string =>
	names.get(proto) ?? String(proto);

const names: ReadonlyMap<number, string> = new Map(
	Object.entries(protocols).map(([name, number]) => [number, name]),
);
