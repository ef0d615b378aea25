import {
	type Args,
	command,
	counted,
	type Env,
	Failure,
} from "@sluice/cli-kit";
import type { Change } from "../apply.js";
import { endpointText, readConfig } from "../config.js";
import { PREFERENCE } from "../filter.js";
import { defaultInterface, findInterface } from "../interface.js";
import { type Log, makeLog } from "../log.js";
import { objectFile } from "../object-file.js";
import { pinDirectory, requireBpffs } from "../place.js";
import { Server } from "../serve.js";
import type { Target } from "../target.js";

/** Pause between two looks at what has changed around us, in milliseconds. */
const REFRESH = 2000;

/** A look that takes long, of thousands of upstreams, is repeated less often: the pause is this many times as long. */
const REFRESH_PAUSE = 50;

/** Between looks at how many decisions -d has missed, in milliseconds. */
const LOST = 1000;

/** Keys that -d lists. */
const LISTED = 100;

export const serve = command({
	usage: "$0",
	summary:
		"Relay and forward UDP as a file says, until stopped; SIGHUP reads the file again",
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
				"Where packets come in [default: the interface of the default route]",
		},
		debug: {
			type: "boolean",
			alias: "d",
			describe: "Tell each decision",
		},
		keep: {
			type: "boolean",
			describe: "Leave program and tables in place at the end",
		},
	},
	examples: [
		["-d -i ens3 -c config.yaml", "Balance what comes in by ens3, and tell"],
	],
	parse(args: Args, env: Env) {
		const config = args.optional("config") ?? "config.yaml";
		return {
			config,
			// The file is judged before anything of the machine is.
			rules: readConfig(config),
			device: args.optional("interface"),
			debug: args.flag("debug"),
			keep: args.flag("keep"),
			object: objectFile(env.vars),
		};
	},
	async run({ config, rules, device: name, debug, keep, object }, context) {
		const log = makeLog(context.env, context.json);
		const device = await findInterface(name ?? (await defaultInterface()));
		requireBpffs(context.bpffs);
		const pins = pinDirectory(context.bpffs, device.name);
		const server = new Server(
			{ config, device, pins, object, debug, keep },
			log,
		);
		const next = events();
		log.info(`cli config: interface=${device.name}, debug=${debug}`);
		await server.start(rules);
		log.info(
			`tc: filter on ingress of ${device.name} in place, pref ${PREFERENCE}, program ${server.programId}`,
		);
		log.info(`serving ${sizeText(server.targets)} of ${config}`);
		if (debug) list(log, server.targets);
		const lost = debug ? setInterval(() => server.tellLost(), LOST) : undefined;
		let pause = REFRESH;
		try {
			for (;;) {
				const event = await next(pause);
				if (event === "stop") break;
				if (event === "reload") await reload(server, log);
				else {
					const start = performance.now();
					await server.refresh();
					pause = Math.max(
						REFRESH,
						REFRESH_PAUSE * (performance.now() - start),
					);
				}
			}
		} finally {
			clearInterval(lost);
			await server.stop();
		}
		log.info(keep ? "stopped; the program stays in place" : "stopped");
	},
});

async function reload(server: Server, log: Log): Promise<void> {
	try {
		log.info(`reloaded: ${changeText(await server.reload())}`);
	} catch (error) {
		if (!(error instanceof Failure)) throw error;
		for (const message of error.messages) log.error(`reload: ${message}`);
		log.error("the running configuration stays");
	}
}

type Event = "stop" | "reload" | "refresh";

/** What is to be done next. Signals that come meanwhile are remembered, each kind once; the end goes first. */
function events(): (pause: number) => Promise<Event> {
	const waiting = new Set<Event>();
	let wake = () => {};
	const add = (event: Event) => {
		waiting.add(event);
		wake();
	};
	for (const signal of ["SIGINT", "SIGTERM"] as const)
		process.on(signal, () => add("stop"));
	process.on("SIGHUP", () => add("reload"));
	return async (pause) => {
		const timer = setTimeout(() => add("refresh"), pause);
		while (waiting.size === 0)
			await new Promise<void>((resolve) => {
				wake = resolve;
			});
		clearTimeout(timer);
		for (const event of ["stop", "reload", "refresh"] as const)
			if (waiting.delete(event)) return event;
		throw new Error("woken for nothing");
	};
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
