import { setTimeout as sleep } from "node:timers/promises";
import { badInput, command, duration, values } from "@sluice/cli-kit";
import {
	openStore,
	secondsArg,
	storeArgs,
	storeOptions,
	waitArg,
	waitOption,
} from "./options.js";

/** Seconds until packets sent with the old key have arrived. */
const IDLE = 5;

export const rotate = command({
	usage: ["rotate <service-id> <group-id>", "rotate --all"],
	summary:
		"Give a service, or those of all links, a new key on all machines, without losing a packet",
	positionals: {
		"service-id": "Service id, 0 to 65535",
		"group-id": "Group id, 0 to 65535",
	},
	options: {
		all: { type: "boolean", describe: "The services of all links" },
		within: {
			type: "string",
			value: "duration",
			describe:
				"With --all: they begin one after the other, spread over a time such as 1h",
		},
		wait: waitOption("Agents have --wait=SECONDS for each step"),
		idle: {
			type: "string",
			value: "seconds",
			describe: `Before the old key is dropped, for packets that are under way [default: ${IDLE}]`,
		},
		...storeOptions,
	},
	examples: [
		["rotate 1 2", "Again after an interruption: it goes on"],
		["rotate --all --within 1h", "Each link within an hour"],
	],
	parse(args, env) {
		const service = args.optional("service-id");
		const group = args.optional("group-id");
		const within = args.optional("within");
		const isAll = args.flag("all");
		if (isAll === (service !== undefined))
			throw badInput(
				isAll
					? "--all is for all services; leave the ids out"
					: "service-id and group-id are needed, or --all",
			);
		if (within !== undefined && !isAll) throw badInput("within needs --all");
		return {
			sid:
				service === undefined || group === undefined
					? undefined
					: `${values.u16("service-id", service)}.${values.u16("group-id", group)}`,
			within: within === undefined ? 0 : duration("within", within),
			seconds: waitArg(args),
			idle: secondsArg(args, "idle", IDLE),
			store: storeArgs(args, env),
		};
	},
	kernel: false,
	async run({ sid, within, seconds, idle, store }, context) {
		const { linkedSids, rotateService } = await import("../push/rotate.js");
		const { paths } = store;
		const etcd = await openStore(store);
		try {
			const sids = sid ? [sid] : await linkedSids(etcd, paths);
			if (sids.length === 0) throw badInput("there are no links");
			const rotated: { service: string; machines: readonly string[] }[] = [];
			const start = performance.now();
			for (const [i, one] of sids.entries()) {
				const begin = start + (within * i) / sids.length;
				await sleep(Math.max(0, begin - performance.now()));
				const service = one.replace(".", " ");
				let machines: readonly string[] = [];
				await rotateService(etcd, paths, one, seconds, idle, (phase, on) => {
					machines = on;
					if (!context.json)
						context.print(
							[`service ${service}: ${phase}: ${on.join(", ")}`],
							undefined,
						);
				});
				rotated.push({ service, machines });
			}
			context.print(
				rotated.map(({ service }) => `service ${service}: rotated`),
				{ rotated },
			);
		} finally {
			etcd.close();
		}
	},
});
