import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "@sluice/testbed";
import { cli } from "../helpers/cli.js";
import { addresses } from "../helpers/network.js";
import { PINS, root, script } from "../helpers/paths.js";
import { lastRelease } from "../helpers/release.js";
import type { Site } from "./site.js";

const { proxy, node: nodeAddress } = addresses[4];

/** A host with a device that carries our programs, and the route that goes with the device. */
export type Carrier = { host: Host; device: string; route?: [string, string] };

/** Does one thing that traffic must not notice. */
export type Step = (carrier: Carrier) => Promise<unknown>;

/** @param random an integer below its argument */
export function stepsOf(
	site: Site,
	random: (below: number) => number,
): { carriers: Carrier[]; steps: Record<string, Step> } {
	const { gateway, node } = site.net;
	const old = { SLUICE_BPF_DIR: `${lastRelease()}/bpf/dist` };

	/** Runs a command line and kills it at some time of its first seconds. */
	const killed = (host: Host, line: string) =>
		host.run(
			"bash",
			["-c", `timeout -s KILL ${(random(3000) / 1000).toFixed(3)} ${line}`],
			{ reject: false, cwd: root },
		);
	const node_ = process.execPath;
	const reattach = script("reattach_tc");

	/** Takes an interface down and up again; what needs the interface rests meanwhile. */
	async function flap({ host, device, route }: Carrier): Promise<void> {
		await site.rest(async () => {
			await host.run("ip", ["link", "set", device, "down"]);
			await sleep(random(300));
			await host.run("ip", ["link", "set", device, "up"]);
			if (route) await host.route(...route);
		});
	}

	/** Replaces the key of a service on both ends. Programs of the last release know one key alone. */
	async function rotate(): Promise<void> {
		const ends = random(2) ? [gateway, node] : [node, gateway];
		for (const host of ends) await host.run(reattach, ["--migrate"]);
		const key = `key-${random(1_000_000)}`;
		for (const step of [`--prepare ${key}`, "--switch", "--finish"]) {
			// What is under way has the old key.
			if (step === "--finish") await sleep(1500);
			const idle = step === "--finish" ? " --idle 1" : "";
			for (const host of ends)
				await cli(host, `cli_service rotate 1 1 ${step}${idle}`);
		}
		site.key = key;
	}

	async function bindings(): Promise<void> {
		const prefixes = Array.from(
			{ length: random(2000) },
			(_, i) => `10.7.${i >> 8}.${i & 255}/32`,
		);
		const text = JSON.stringify({
			bindings: [`${nodeAddress}/32`, ...prefixes].map((prefix) => ({
				...{ label: "echo", prefix },
				port: 71,
			})),
		});
		await cli(
			node,
			`tubectl load-bindings ${site.file("bindings.json", text)}`,
		);
	}

	return {
		carriers: [
			{ host: gateway, device: "wan", route: ["default", "10.2.0.1"] },
			{ host: gateway, device: "lan" },
			{ host: node, device: "eth0", route: ["default", "10.3.0.1"] },
		],
		steps: {
			reattach: ({ host, device }) => host.run(reattach, [device]),
			"reattach, killed": ({ host, device }) =>
				killed(host, `${reattach} ${device}`),
			migrate: ({ host }) => host.run(reattach, ["--migrate"]),
			"migrate to the last release": ({ host }) =>
				host.run(reattach, ["--migrate"], { env: old }),
			"migrate to another size": ({ host }) =>
				host.run(reattach, [
					...["--migrate", "--entries", String(1000 + random(100_000))],
				]),
			"migrate, killed": async ({ host }) => {
				await killed(host, `${reattach} --migrate --entries 4000`);
				await host.run(reattach, ["--migrate"]);
			},
			"pins lost": async ({ host, device }) => {
				await host.run("sh", ["-c", `rm ${PINS}/*`]);
				await host.run(reattach, [device]);
			},
			"set again": ({ host }) =>
				cli(
					host,
					`cli_service set 1 1 tcp ${proxy} 70 ${nodeAddress} 70 4 ${site.key}`,
				),
			"another service, killed": async ({ host }) => {
				await killed(
					host,
					`${node_} bin/cli_service set 9 ${random(100)} tcp 10.9.0.9 ${1 + random(1000)} 10.3.0.9 80 4 key`,
				);
				await cli(host, "cli_service check --repair");
			},
			flap,
			rotate,
			ping: () => cli(node, "cli_tunnel ping 4 --count 1"),
			"restart of all that reads": () => site.startDaemons(),
			"metrics read": () => site.scrape(),
			"udplb, a reload": () => site.reloadUdplb(1 + random(2)),
			"udplb, a takeover": () => site.startUdplb("--takeover"),
			"udplb, killed and started": async () => {
				await site.daemons.get("udplb")?.stop("SIGKILL");
				await site.startUdplb();
			},
			"tubectl upgrade": () => cli(node, "tubectl upgrade"),
			"tubectl upgrade --index": () => cli(node, "tubectl upgrade --index"),
			"tubectl upgrade --no-index": () =>
				cli(node, "tubectl upgrade --no-index"),
			"tubectl upgrade, killed": () =>
				killed(
					node,
					`${node_} bin/tubectl upgrade ${random(2) ? "--index" : "--no-index"}`,
				),
			"tubectl, bindings": bindings,
			"tubectl, registered again": () => cli(node, site.register),
		},
	};
}
