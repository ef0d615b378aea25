import { badInput, command, values } from "@sluice/cli-kit";
import { openStore, secondsArg, storeArgs, storeOptions } from "./options.js";
import { WAIT } from "./push.js";

/** Seconds until packets sent with the old key have arrived. */
const IDLE = 5;

export const rotate = command({
	usage: ["rotate <service-id> <group-id>", "rotate all"],
	summary:
		"Give a service, or those of all links, a new key on all machines, without losing a packet",
	positionals: {
		"service-id": "Service id, 0 to 65535",
		"group-id": "Group id, 0 to 65535",
	},
	options: {
		timeout: {
			type: "string",
			describe: `Seconds that agents have for each step [default: ${WAIT}]`,
		},
		idle: {
			type: "string",
			value: "seconds",
			describe: `Before the old key is dropped, for packets that are under way [default: ${IDLE}]`,
		},
		...storeOptions,
	},
	examples: [["rotate 1 2", "Again after an interruption: it goes on"]],
	parse(args, env) {
		const service = args.optional("service-id");
		const group = args.optional("group-id");
		return {
			sid:
				service === undefined || group === undefined
					? undefined
					: `${values.u16("service-id", service)}.${values.u16("group-id", group)}`,
			seconds: secondsArg(args, "timeout", WAIT),
			idle: secondsArg(args, "idle", IDLE),
			store: storeArgs(args, env),
		};
	},
	kernel: false,
	async run({ sid, seconds, idle, store }, context) {
		const { linkedSids, rotateService } = await import("../push/rotate.js");
		const { paths } = store;
		const etcd = await openStore(store);
		try {
			const sids = sid ? [sid] : await linkedSids(etcd, paths);
			if (sids.length === 0) throw badInput("there are no links");
			const rotated: { service: string; machines: readonly string[] }[] = [];
			for (const one of sids) {
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
