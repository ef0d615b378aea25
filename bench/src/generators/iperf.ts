import type { Host, Running } from "@sluice/testbed";
import { softirqTime } from "./softirq-time.js";

/** TCP and UDP. */
export const IPERF_PORT = 5201;

export async function serveIperf(
	host: Host,
	address: string,
): Promise<Running> {
	// Bound: a UDP answer would have another of the host's addresses.
	const server = host.spawn("iperf3", ["-s", "-B", address, "--forceflush"]);
	await server.ready(/Server listening/);
	return server;
}

/** What a TCP stream is like. */
export type Stream = {
	/** Back from the server to the client. */
	reverse?: boolean;
	/** Most bytes of a segment, TCP's options among them. */
	mss?: number;
};

const streamOptions = ({ reverse, mss }: Stream) => [
	...(reverse ? ["-R"] : []),
	...(mss ? ["-M", String(mss)] : []),
];

/** @returns Gbit/s that arrived */
export async function tcpStream(
	client: Host,
	target: string,
	seconds: number,
	stream: Stream = {},
): Promise<number> {
	const end = await iperf(client, target, seconds, streamOptions(stream));
	return end.sum_received.bits_per_second / 1e9;
}

/**
 * The same stream.
 *
 * @returns ns of CPU time of both ends, and of all that is between them on this machine, for each KB that arrived
 */
export async function tcpCost(
	client: Host,
	target: string,
	seconds: number,
	stream: Stream = {},
): Promise<number> {
	const before = softirqTime();
	const { sum_received: received, cpu_utilization_percent: cpu } = await iperf(
		client,
		target,
		seconds,
		streamOptions(stream),
	);
	const ends = ((cpu.host_total + cpu.remote_total) / 100) * received.seconds;
	return (ends * 1e9 + softirqTime() - before) / (received.bytes / 1000);
}

/** As fast as it goes, 64 bytes of payload each. @returns packets/s that arrived */
export async function udpPackets(
	client: Host,
	target: string,
	seconds: number,
): Promise<number> {
	const { sum } = await iperf(client, target, seconds, [
		...["-u", "-b", "0", "-l", "64"],
	]);
	return (sum.packets - sum.lost_packets) / sum.seconds;
}

/**
 * The same packets. A veth hands them on in the sender's own time, so it pays for the whole way.
 *
 * @returns ns of the sender's CPU time for each packet that arrived
 */
export async function udpCost(
	client: Host,
	target: string,
	seconds: number,
): Promise<number> {
	const { sum, cpu_utilization_percent: cpu } = await iperf(
		client,
		target,
		seconds,
		["-u", "-b", "0", "-l", "64"],
	);
	return (
		((cpu.host_total / 100) * sum.seconds * 1e9) /
		(sum.packets - sum.lost_packets)
	);
}

type Report = {
	cpu_utilization_percent: { host_total: number; remote_total: number };
	sum_received: { bits_per_second: number; bytes: number; seconds: number };
	sum: { packets: number; lost_packets: number; seconds: number };
};

async function iperf(
	client: Host,
	target: string,
	seconds: number,
	options: string[],
): Promise<Report> {
	const { stdout } = await client.run(
		"iperf3",
		// Whole seconds; 0 would be for ever.
		[
			"-c",
			target,
			"-J",
			"-t",
			String(Math.max(1, Math.round(seconds))),
			...options,
		],
		{ timeout: (seconds + 20) * 1000 },
	);
	return JSON.parse(stdout).end;
}
