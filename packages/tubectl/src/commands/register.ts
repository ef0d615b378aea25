import {
	badInput,
	type Context,
	command,
	duration,
	Failure,
	netnsInode,
	values,
} from "@sluice/cli-kit";
import { type Domain, domains } from "@sluice/maps/tables";
import { label } from "../binding/label.js";
import { listenFds } from "../sockets/listen-fds.js";
import { type Location, locationOf } from "../state/location.js";
import type { RegisteredSocket } from "../state/sockets.js";

export const register = command({
	usage: "register <label>",
	summary: "Register the sockets passed by LISTEN_FDS",
	positionals: { label: "Whose traffic the sockets get" },
	examples: [["register foo", "in a unit that a socket unit activates"]],
	parse: (args, env) => ({
		label: label("label", args.text("label")),
		count: listenFds(env.vars),
	}),
	async run({ label, count }, context) {
		const { passedSockets } = await import("../sockets/passed.js");
		const { chooseSockets } = await import("../sockets/choose.js");
		const location = locationOf(context);
		const sockets = chooseSockets(label, passedSockets(count), location.inode);
		await registerAll(sockets, context);
	},
});

export const registerPid = command({
	usage: "register-pid <pid> <label> <protocol> <ip> <port>",
	summary: "Register a socket of a running process",
	positionals: {
		pid: "The process, or a file with its number in it",
		label: "Whose traffic the socket gets",
		protocol: "tcp or udp",
		ip: "The address that the socket is bound to",
		port: "The port that it is bound to",
	},
	options: {
		wait: {
			type: "string",
			describe: "Seconds to wait until the process listens [default: 0]",
		},
	},
	examples: [
		["register-pid 12345 foo tcp 127.0.0.1 80", "a socket of process 12345"],
		["register-pid /run/foo.pid foo udp ::1 53 --wait 5", "of one that starts"],
	],
	parse(args) {
		const wait = args.optional("wait");
		return {
			process: pidOrFile(args.text("pid")),
			label: label("label", args.text("label")),
			wanted: {
				protocol: values.protocol("protocol", args.text("protocol")),
				address: values.address("ip", args.text("ip")).toString(),
				port: values.integer("port", args.text("port"), 1, 65_535),
			},
			wait: wait === undefined ? 0 : duration("wait", wait),
		};
	},
	async run({ process, label, wanted, wait }, context) {
		const { findSockets } = await import("../sockets/find.js");
		const { chooseSockets } = await import("../sockets/choose.js");
		const location = locationOf(context);
		const { pid, offers } = await findSockets(
			process,
			{ ...wanted, dispatcher: location.inode },
			wait,
			(pid) => demandNamespace(location, pid),
		);
		try {
			const sockets = ofProcess(pid, () =>
				chooseSockets(label, offers, location.inode),
			);
			await registerAll(sockets, context);
		} finally {
			for (const { fd } of offers) context.kernel.close(fd);
		}
	},
});

export const unregister = command({
	usage: "unregister <label> <domain> <protocol>",
	summary: "Remove the socket of a destination",
	positionals: {
		label: "The destination's label",
		domain: "ipv4 or ipv6",
		protocol: "tcp or udp",
	},
	parse: (args) => ({
		label: label("label", args.text("label")),
		domain: domain("domain", args.text("domain")),
		protocol: values.protocol("protocol", args.text("protocol")),
	}),
	async run(destination, context) {
		const { unregisterSocket } = await import("../state/sockets.js");
		const { destinationText } = await import("../state/destinations.js");
		unregisterSocket(context, destination);
		context.print(
			[`unregistered socket of destination ${destinationText(destination)}`],
			{ unregistered: destination },
		);
	},
});

async function registerAll(
	sockets: readonly RegisteredSocket[],
	context: Context,
): Promise<void> {
	const { cookieText, registerSockets } = await import("../state/sockets.js");
	const { destinationText } = await import("../state/destinations.js");
	const created = registerSockets(context, sockets);
	const done = sockets.map((socket, i) => ({ ...socket, created: created[i] }));
	context.print(
		done.map(
			({ cookie, created, destination }) =>
				`registered socket ${cookieText(cookie)}: ${created ? "created" : "updated"} destination ${destinationText(destination)}`,
		),
		{
			registered: done.map(({ cookie, created, destination }) => ({
				socket: cookieText(cookie),
				created,
				...destination,
			})),
		},
	);
}

/** Adds the process to the message of a refusal. */
function ofProcess<T>(pid: number, choose: () => T): T {
	try {
		return choose();
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		const { kind, message, code } = error;
		throw new Failure(kind, `process ${pid}: ${message}`, {
			code,
			cause: error,
		});
	}
}

/** Most sockets of a process are of its namespace, so that the wrong --netns is named before they are looked through. */
function demandNamespace(location: Location, pid: number): void {
	const inode = netnsInode(`/proc/${pid}/ns/net`);
	if (inode === location.inode) return;
	throw new Failure(
		"failed",
		`process ${pid} is in network namespace ${inode}, the dispatcher in ${location.inode}`,
		{ code: "OTHER_NAMESPACE", hint: "name the right one with --netns" },
	);
}

/** A pid, or a file that one is read from. */
function pidOrFile(text: string): number | string {
	if (!/^\d+$/.test(text)) return text;
	return values.integer("pid", text, 1, 4_194_304);
}

function domain(name: string, text: string): Domain {
	if (Object.hasOwn(domains, text)) return text as Domain;
	throw badInput(`${name} must be ipv4 or ipv6, got "${text}"`);
}
