import path from "node:path";
import type { Host, Running } from "@sluice/testbed";

const fixture = (name: string) =>
	path.join(import.meta.dirname, "../hosts/fixtures", name);

/** A program of fixtures/, run by this Node. */
const node = (name: string, args: readonly (string | number)[]) =>
	[process.execPath, [fixture(name), ...args.map(String)]] as const;

/** Starts a backend: HTTP on one port, a UDP echo on another, a TCP echo where asked for; both families. */
export async function backend(
	host: Host,
	{ http, udp, tcp = 0 }: { http: number; udp: number; tcp?: number },
): Promise<Running> {
	const server = host.spawn(...node("backend.mjs", [http, udp, tcp]));
	await server.ready(/listening/);
	return server;
}

/** One download and one upload. @throws Error where bytes are lost, changed or stall */
export async function askHttp(
	host: Host,
	address: string,
	port: number,
	bytes = 20_000_000,
): Promise<void> {
	await host.run(...node("requests.mjs", ["http", address, port, bytes]));
}

/** The sizes at which something may change: what fits, what does not, what is cut into fragments. */
export const datagrams = [1, 1400, 1448, 1449, 1472, 4000, 60_000];

/** One datagram of each size, there and back. @throws Error where one never comes */
export async function askUdp(
	host: Host,
	address: string,
	port: number,
	sizes: readonly number[] = datagrams,
): Promise<void> {
	await host.run(...node("requests.mjs", ["udp", address, port, ...sizes]));
}

/** What a stream of small messages came to: answers may not outnumber what was sent. */
export type Load = {
	tcp: { sent: number; answered: number };
	udp: { sent: number; answered: number };
};

/** Starts to send 1 000 messages a second over TCP, and as many over UDP. */
export async function startLoad(
	host: Host,
	address: string,
	ports: { tcp: number; udp: number },
): Promise<{ stop(): Promise<Load> }> {
	const load = host.spawn(...node("load.mjs", [address, ports.tcp, ports.udp]));
	await load.ready(/going/);
	return {
		async stop() {
			load.end();
			const [, result = ""] = await load.ready(/result (.*)\n/);
			return JSON.parse(result);
		},
	};
}

/** UDP echoes on ports that follow each other, IPv4. */
export async function echoes(
	host: Host,
	first: number,
	ports: number,
): Promise<void> {
	await host.spawn(...node("echoes.mjs", [first, ports])).ready(/listening/);
}

/** Starts to send datagrams to ports that follow each other, `rate` a second in all, half of them to the first. */
export async function startFlow(
	host: Host,
	address: string,
	first: number,
	ports: number,
	rate: number,
): Promise<{ stop(): Promise<{ sent: number; answered: number }> }> {
	const flow = host.spawn(...node("flow.mjs", [address, first, ports, rate]));
	await flow.ready(/going/);
	return {
		async stop() {
			flow.end();
			const [, result = ""] = await flow.ready(/result (.*)\n/);
			return JSON.parse(result);
		},
	};
}

/** Datagrams that reached a host and found its socket's buffer full: lost by a busy machine, not on the way. */
export async function bufferFull(host: Host): Promise<number> {
	const { stdout } = await host.run("nstat", ["-asz", "UdpRcvbufErrors"]);
	return Number(stdout.match(/UdpRcvbufErrors\s+(\d+)/)?.[1]);
}
