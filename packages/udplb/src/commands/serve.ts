import {
	type Args,
	command,
	counted,
	type Env,
	Failure,
	values,
} from "@sluice/cli-kit";
import { objectFile } from "@sluice/cli-kit/object-file";
import { endpointText } from "@sluice/maps/address";
import { BpfError } from "@sluice/maps/errors";
import { PREFERENCE } from "../machine/preference.js";
import { type Log, makeLog } from "../server/log.js";
import type { Server } from "../server/server.js";
import { Signals } from "../server/signals.js";
import type { Change } from "../tables/apply.js";
import { requireBpffs } from "../tables/pins.js";
import type { Target } from "../tables/target.js";

/** Pause between two checks of routes, names and the filter, in milliseconds. */
const REFRESH = 2000;

/** A look that takes long, of thousands of upstreams, is repeated less often: the pause is this many times as long. */
const REFRESH_PAUSE = 50;

/** Between looks at how many decisions -d has missed, in milliseconds. */
const LOST = 1000;

/** Pause before names that did not resolve at start are looked up again, in milliseconds. */
const WAIT = 2000;

/** Keys that -d lists. */
const LISTED = 100;

export const serve = command({
	usage: "$0",
	summary:
		"Relay and forward UDP as configured, until stopped; SIGHUP reads the file again",
	options: {
		config: {
			type: "string",
			alias: "c",
			describe: "The configuration [default: config.yaml]",
		},
		interface: {
			type: "string",
			alias: "i",
			describe:
				"Interface where packets arrive [default: the interface of the default route]",
		},
		debug: {
			type: "boolean",
			alias: "d",
			describe: "Print each decision",
		},
		keep: {
			type: "boolean",
			describe: "Leave program and tables in place at the end",
		},
		takeover: {
			type: "boolean",
			describe:
				"Replace a udplb that serves the interface, without losing a packet",
		},
		resolve: {
			type: "string",
			describe: "Seconds between lookups of host names [default: 30]",
		},
		wait: {
			type: "boolean",
			describe: "Wait at start until all host names have an address",
		},
	},
	examples: [
		[
			"-d -i ens3 -c config.yaml",
			"Relay packets that arrive at ens3, and print each decision",
		],
	],
	parse(args: Args, env: Env) {
		const resolve = args.optional("resolve") ?? "30";
		return {
			config: args.optional("config") ?? "config.yaml",
			name: args.optional("interface"),
			debug: args.flag("debug"),
			keep: args.flag("keep"),
			takeover: args.flag("takeover"),
			wait: args.flag("wait"),
			resolve: values.integer("resolve", resolve, 1, 99_999) * 1000,
			vars: env.vars,
		};
	},
	async run({ name, wait, vars, ...options }, context) {
		const signals = new Signals();
		// What reads YAML and runs ip is not loaded for the other commands.
		const { readConfig, Server, findInterface, defaultInterface } =
			await import("../server/index.js");
		const { config: file, debug, keep } = options;
		// The file is checked before anything of the machine is.
		const config = readConfig(file);
		const object = objectFile("udplb_tc.o", vars);
		const log = makeLog(context.env, context.json);
		const device = await findInterface(name ?? (await defaultInterface()));
		requireBpffs(context.bpffs);
		const server = new Server(
			{ ...options, device, object, bpffs: context.bpffs },
			log,
		);
		log.info(`cli config: interface=${device.name}, debug=${debug}`);
		if (!(await started(() => server.start(config), wait, signals, log)))
			return log.info("stopped");
		log.info(
			`tc: filter on ingress of ${device.name} in place, pref ${PREFERENCE}, program ${server.programId}`,
		);
		log.info(`serving ${sizeText(server.targets)} of ${file}`);
		if (debug) list(log, server.targets);
		const lost = debug ? setInterval(() => server.tellLost(), LOST) : undefined;
		try {
			await serveUntilStopped(server, signals, log);
		} finally {
			clearInterval(lost);
			await server.stop();
		}
		log.info(keep ? "stopped; the program stays in place" : "stopped");
	},
});

/** Starts, once names can be resolved if it is to wait. @returns false: it was stopped while it waited */
async function started(
	start: () => Promise<void>,
	wait: boolean,
	signals: Signals,
	log: Log,
): Promise<boolean> {
	for (let said = ""; ; ) {
		try {
			await start();
			return true;
		} catch (error) {
			if (!(wait && error instanceof Failure && error.code === "UNRESOLVED"))
				throw error;
			if (error.message !== said)
				for (const message of error.messages) log.error(message);
			said = error.message;
			await signals.pause(WAIT);
			if (signals.stopped) return false;
		}
	}
}

async function serveUntilStopped(
	server: Server,
	signals: Signals,
	log: Log,
): Promise<void> {
	let said = "";
	for (let pause = REFRESH; ; ) {
		const event = await signals.next(pause);
		if (event === "stop") return;
		if (event === "reload") {
			await reload(server, log);
			continue;
		}
		const start = performance.now();
		try {
			await server.refresh();
			said = "";
		} catch (error) {
			if (!server.exists) throw error;
			const text = `refresh: ${textOf(error)}`;
			if (text !== said) log.error(text);
			said = text;
		}
		pause = Math.max(REFRESH, REFRESH_PAUSE * (performance.now() - start));
	}
}

async function reload(server: Server, log: Log): Promise<void> {
	try {
		log.info(`reloaded: ${changeText(await server.reload())}`);
	} catch (error) {
		const messages =
			error instanceof Failure ? error.messages : [textOf(error)];
		for (const message of messages) log.error(`reload: ${message}`);
		log.error("the running configuration stays");
	}
}

/** What is no message for people is a bug: it has the stack, and the packets go on. */
function textOf(error: unknown): string {
	if (error instanceof Failure || error instanceof BpfError)
		return error.message;
	return `this is a bug in udplb: ${(error as Error)?.stack ?? error}`;
}

function list(log: Log, targets: readonly Target[]): void {
	for (const { address, port, action, strategy, upstreams } of targets.slice(
		0,
		LISTED,
	)) {
		const key = `Key{ Address: ${address}, Port: ${port}, Action: ${action}, Strategy: ${strategy} }`;
		for (const { address, port, weight } of upstreams.slice(0, LISTED))
			log.info(
				`${key} | Upstream{ Address: ${address}, Port: ${port}, Weight: ${weight} }`,
			);
		if (upstreams.length > LISTED)
			log.info(
				`${endpointText(address, port)}: and ${upstreams.length - LISTED} more upstreams`,
			);
	}
	if (targets.length > LISTED)
		log.info(`and ${targets.length - LISTED} more keys`);
}

const changeText = ({ added, changed, removed }: Change) =>
	`${counted(added, "key")} added, ${changed} changed, ${removed} removed`;

function sizeText(targets: readonly Target[]): string {
	const upstreams = targets.reduce((sum, one) => sum + one.upstreams.length, 0);
	return `${counted(targets.length, "key")} with ${counted(upstreams, "upstream")}`;
}
