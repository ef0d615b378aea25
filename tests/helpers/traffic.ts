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

/** What was sent, and what came back. */
export type Count = { sent: number; answered: number };

/** What a stream of small messages came to; `late`: datagrams that are overdue. */
export type Load = { tcp: Count; udp: Count; late: number };

/** A sender that is going. */
export type Sender<T> = {
	/** What it came to so far. */
	look(): Promise<T>;
	pause(): void;
	go(): void;
	/** Waits for what is under way. */
	stop(): Promise<T>;
};

/** Starts one of the senders of fixtures/, which take the lines of control.mjs. */
async function sender<T>(
	host: Host,
	name: string,
	args: readonly (string | number)[],
): Promise<Sender<T>> {
	const process = host.spawn(...node(name, args));
	await process.ready(/going/);
	let results = 0;
	const result = async () => {
		const [, text = ""] = await process.ready(
			new RegExp(`^result ${results++} (.*)\n`, "m"),
		);
		return JSON.parse(text) as T;
	};
	return {
		look() {
			process.write("look\n");
			return result();
		},
		pause: () => process.write("pause\n"),
		go: () => process.write("go\n"),
		stop() {
			process.end();
			return result();
		},
	};
}

/** Starts to send `rate` messages a second over TCP, and as many over UDP; these alone pause. */
export const startLoad = (
	host: Host,
	address: string,
	{ tcp, udp }: { tcp: number; udp: number },
	rate = 1000,
) => sender<Load>(host, "load.mjs", [address, tcp, udp, rate]);

/** Starts to open connections to a TCP echo, one after the other. */
export const startConnects = (host: Host, address: string, port: number) =>
	sender<Count>(host, "connects.mjs", [address, port]);

/** UDP echoes on ports that follow each other, both families. */
export async function echoes(
	host: Host,
	first: number,
	ports: number,
): Promise<void> {
	await host.spawn(...node("echoes.mjs", [first, ports])).ready(/listening/);
}

/** Starts to send datagrams to ports that follow each other, `rate` a second in all, half of them to the first. */
export const startFlow = (
	host: Host,
	address: string,
	first: number,
	ports: number,
	rate: number,
) => sender<Count>(host, "flow.mjs", [address, first, ports, rate]);

/** Starts a TCP echo on 127.0.0.1, for socket steering. */
export async function steered(host: Host, port: number): Promise<Running> {
	const server = host.spawn(...node("steered.mjs", [port]));
	await server.ready(/listening/);
	return server;
}

/** Datagrams that reached a host and found its socket's buffer full: lost by a busy machine, not on the way. */
export async function bufferFull(host: Host): Promise<number> {
	const { stdout } = await host.run("nstat", ["-asz", "UdpRcvbufErrors"]);
	return Number(stdout.match(/UdpRcvbufErrors\s+(\d+)/)?.[1]);
}
