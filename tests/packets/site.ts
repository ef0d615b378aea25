import type { TunnelRow } from "../helpers/services.js";

export const key = "Pa55w0rd1234567";
export const client = "192.0.2.7";
export const client6 = "2001:db8:7::7";
/** The near and far end of tunnel 100; 106 is the same over IPv6. */
export const near = "172.16.0.4";
export const far = "172.16.0.9";
export const near6 = "fd16::4";
export const far6 = "fd16::9";
export const port = 6080;

export const tunnels: readonly TunnelRow[] = [
	tunnel(100, near, far),
	tunnel(106, near6, far6),
	{ ...tunnel(101, near, "::"), remotePort: 0 },
	tunnel(102, near, far6),
	tunnel(103, "10.1.1.1", "10.1.1.2"),
	tunnel(104, "10.1.1.1", "10.1.1.3"),
	tunnel(105, near, "198.51.100.1"),
	tunnel(107, "10.1.1.1", "172.17.0.9"),
];

function tunnel(id: number, local: string, remote: string): TunnelRow {
	return { id, local, localPort: port, remote, remotePort: port };
}
