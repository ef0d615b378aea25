import {
	type Cli,
	command,
	Failure,
	type Kernel,
	values,
} from "@sluice/cli-kit";
import { socketsTable } from "@sluice/maps/tables";
import manifest from "../package.json" with { type: "json" };

const update = command({
	usage: "$0 <pid> <fd> <map-path> [<map-key>]",
	summary: "Put a socket of another process into a pinned sockmap",
	positionals: {
		pid: "The process",
		fd: "The socket's descriptor there",
		"map-path": "Where the sockmap is pinned",
		"map-key": "Its key [default: 0]",
	},
	examples: [["24533 3 /sys/fs/bpf/echo_socket", "see them with ss -tlpne"]],
	parse: (args) => ({
		pid: values.integer("pid", args.text("pid"), 1, 4_194_304),
		descriptor: values.integer("fd", args.text("fd"), 0, 0x7fff_ffff),
		map: args.text("map-path"),
		key: values.u32("map-key", args.optional("map-key") ?? "0"),
	}),
	run({ pid, descriptor, map, key }, context) {
		const { close, openPin, wrapMap } = context.kernel;
		const table = wrapMap(socketsTable, openPin(map), map);
		values.integer("map-key", String(key), 0, table.maxEntries - 1);
		const socket = takeSocket(context.kernel, pid, descriptor);
		const cookie = cookieOf(context.kernel, socket, pid, descriptor);
		table.set(key, BigInt(socket));
		table.close();
		close(socket);
		context.print([], { key, socket: `sk:${cookie.toString(16)}` });
	},
});

function takeSocket(
	{ close, openProcess, takeDescriptor }: Kernel,
	pid: number,
	descriptor: number,
): number {
	const pidfd = openProcess(pid);
	try {
		return takeDescriptor(pidfd, descriptor);
	} finally {
		close(pidfd);
	}
}

/** @throws Failure failed: it is not a socket */
function cookieOf(
	{ BpfError, socketInfo }: Kernel,
	socket: number,
	pid: number,
	descriptor: number,
): bigint {
	try {
		return socketInfo(socket).cookie;
	} catch (error) {
		if (!(error instanceof BpfError && error.code === "ENOTSOCK")) throw error;
		throw new Failure(
			"failed",
			`descriptor ${descriptor} of process ${pid} is not a socket`,
			{ code: "ENOTSOCK", hint: 'see "ss -tlpne"', cause: error },
		);
	}
}

/** `sockmap-update`. */
export const updateProgram: Cli = {
	name: "sockmap-update",
	summary: "put a socket into a sockmap",
	version: manifest.version,
	values: { "map-path": "file" },
	commands: [update],
};
