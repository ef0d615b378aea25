import { endpointText } from "@sluice/maps/address";
import { type Endpoint, protocolName, type Sid } from "@sluice/maps/tables";

/** "tcp 1.2.3.4:80" */
export const endpointName = ({ proto, address, port }: Endpoint) =>
	`${protocolName(proto)} ${endpointText(address, port)}`;

export const sameEndpoint = (a: Endpoint | undefined, b: Endpoint) =>
	a?.address.equals(b.address) === true &&
	a.port === b.port &&
	a.proto === b.proto;

export const sameSid = (a: Sid | undefined, b: Sid) =>
	a !== undefined && a.service === b.service && a.group === b.group;

/** The sort key of services: a different number for each sid. */
export const rankOfSid = ({ service, group }: Sid) => 65_536 * service + group;
