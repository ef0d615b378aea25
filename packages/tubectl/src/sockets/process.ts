import { readdirSync, readlinkSync } from "node:fs";
import { Failure } from "@sluice/cli-kit";
import {
	BpfError,
	close,
	isRunning,
	openProcess,
	type SocketInfo,
	socketInfo,
	socketNamespace,
	takeDescriptor,
} from "@sluice/maps";
import type { Protocol } from "@sluice/maps/tables";
import type { Offer } from "./choose.js";
import { isMptcp, protocolOf, roleOf } from "./fitness.js";
import { socketText } from "./socket-text.js";

/** Which of a process's sockets are meant. */
export interface Wanted {
	/** Inode of the dispatcher's network namespace. */
	dispatcher: number;
	protocol: Protocol;
	/** The address that the socket is bound to. */
	address: string;
	port: number;
}

/**
 * Runs `act` with a descriptor of a process. What `act` reads of the pid in /proc is of that process: where the process
 * has ended meanwhile, and its pid may be another's, the result is thrown away.
 *
 * @param discard frees a result that is thrown away
 * @throws Failure no such process
 */
export function withProcess<T>(
	pid: number,
	act: (pidfd: number) => T,
	discard: (result: T) => void,
): T {
	const pidfd = openOrFail(pid);
	try {
		const result = act(pidfd);
		if (isRunning(pidfd)) return result;
		discard(result);
		throw noProcess(pid);
	} catch (error) {
		throw isRunning(pidfd) ? error : noProcess(pid);
	} finally {
		close(pidfd);
	}
}

function openOrFail(pid: number): number {
	try {
		return openProcess(pid);
	} catch (error) {
		throw (error as BpfError).code === "ESRCH" ? noProcess(pid) : error;
	}
}

/**
 * The sockets of a process that are bound to an address and port, as descriptors of this process, and those that
 * are bound there but cannot serve.
 *
 * @throws BpfError EPERM, EACCES no rights.
 */
export function socketsOf(
	pid: number,
	pidfd: number,
	wanted: Wanted,
): { fit: Offer[]; unfit: string[] } {
	const fit: Offer[] = [];
	const unfit: string[] = [];
	try {
		for (const number of socketDescriptors(pid)) {
			const fd = take(pidfd, number);
			if (fd === undefined) continue;
			const info = infoOf(fd);
			if (!info || !isBoundTo(info, wanted)) {
				close(fd);
				continue;
			}
			const offer = { fd, number, info, namespace: socketNamespace(fd) };
			const role = roleOf(offer, wanted.dispatcher);
			if ("reason" in role) {
				unfit.push(`${socketText(offer)}: ${role.reason}`);
				close(fd);
			} else fit.push(offer);
		}
		return { fit, unfit };
	} catch (error) {
		for (const { fd } of fit) close(fd);
		throw error;
	}
}

function isBoundTo(info: SocketInfo, wanted: Wanted): boolean {
	const { local } = info;
	// An MPTCP socket listens on a TCP port, and is refused by name.
	const protocol = isMptcp(info) ? "tcp" : protocolOf(info);
	return (
		protocol === wanted.protocol &&
		local?.address === wanted.address &&
		local.port === wanted.port
	);
}

/** The descriptors that a process really has and that are sockets, in order. */
function socketDescriptors(pid: number): number[] {
	const directory = `/proc/${pid}/fd`;
	return list(pid, directory)
		.map(Number)
		.sort((a, b) => a - b)
		.filter((number) => isSocket(`${directory}/${number}`));
}

function list(pid: number, directory: string): string[] {
	try {
		return readdirSync(directory);
	} catch (cause) {
		const { code = "EIO" } = cause as NodeJS.ErrnoException;
		if (code === "ENOENT") throw noProcess(pid);
		throw new BpfError(`list the descriptors of process ${pid}`, code, {
			hint: "run as root or with CAP_SYS_PTRACE",
			cause,
		});
	}
}

function isSocket(path: string): boolean {
	try {
		return readlinkSync(path).startsWith("socket:");
	} catch {
		// Closed since it was listed.
		return false;
	}
}

/** A descriptor that has been closed since it was listed is undefined. */
function take(pidfd: number, number: number): number | undefined {
	try {
		return takeDescriptor(pidfd, number);
	} catch (error) {
		const { code, operation } = error as BpfError;
		if (code === "EBADF") return undefined;
		if (code !== "EPERM") throw error;
		throw new BpfError(operation, code, {
			because: "not permitted",
			hint: "it takes CAP_SYS_PTRACE, and may be forbidden by yama's ptrace_scope or a seccomp filter; a socket can also be passed to tubectl register (LISTEN_FDS)",
			environment: true,
			cause: error,
		});
	}
}

/** Undefined if it is not an ordinary socket. */
function infoOf(fd: number): SocketInfo | undefined {
	try {
		return socketInfo(fd);
	} catch {
		return undefined;
	}
}

const noProcess = (pid: number) =>
	new Failure("failed", `no process ${pid}`, { code: "ESRCH" });
