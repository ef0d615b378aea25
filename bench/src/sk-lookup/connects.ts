import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Host, type Testbed, testbed } from "@sluice/testbed";
import { bin } from "../cli/bins.js";
import { EARLIER } from "../earlier.js";
import {
	CONNECTS_PORT,
	connects,
	serveConnects,
} from "../generators/connects.js";
import { interleave } from "../interleave.js";
import type { Row } from "../table.js";

export const DIRECT = "direct";
const OURS = "ours";
const EARLIER_OURS = "earlier";
const REDIRECT = "nft redirect";

export const WAYS = [
	DIRECT,
	OURS,
	...(EARLIER ? [EARLIER_OURS] : []),
	REDIRECT,
];

const bpf = join(
	dirname(createRequire(import.meta.url).resolve("@sluice/bpf/package.json")),
	"dist",
);

const SECONDS = 2;
/** Where the server listens, and where clients of a program or a rule connect to. */
const SERVER = "127.0.0.1";
const ELSEWHERE = "127.0.0.2";

/** Connections a second over loopback, each way in a host of its own. */
export async function connectsRow(): Promise<Row> {
	const bed = testbed();
	try {
		const direct = await serving(bed, "direct");
		const ours = await serving(bed, "ours");
		await dispatch(ours.host, ours.pid, bin("tubectl", "tubectl"), bpf);
		const before = EARLIER ? await serving(bed, "earlier") : undefined;
		if (EARLIER && before)
			await dispatch(
				before.host,
				before.pid,
				join(EARLIER, "packages/tubectl/dist/tubectl.cjs"),
				join(EARLIER, "bpf/dist"),
			);
		const redirect = await serving(bed, "redirect");
		await redirect.host.run("nft", ["-f", "-"], {
			input: `table ip bench {
				chain output {
					type nat hook output priority -100
					ip daddr ${ELSEWHERE} tcp dport ${CONNECTS_PORT} dnat to ${SERVER}
				}
			}`,
		});
		const way = (name: string, host: Host, target: string) => ({
			name,
			measure: () => connects(host, target, SECONDS),
		});
		return {
			title: "connects on loopback",
			unit: "/s",
			samples: await interleave([
				way(DIRECT, direct.host, SERVER),
				way(OURS, ours.host, ELSEWHERE),
				...(before ? [way(EARLIER_OURS, before.host, ELSEWHERE)] : []),
				way(REDIRECT, redirect.host, ELSEWHERE),
			]),
		};
	} finally {
		await bed.close();
	}
}

async function serving(bed: Testbed, name: string) {
	const host = await bed.host(name);
	await host.run("ip", ["link", "set", "lo", "up"]);
	const { pid } = await serveConnects(host, SERVER);
	return { host, pid };
}

async function dispatch(
	host: Host,
	pid: number,
	tubectl: string,
	objects: string,
): Promise<void> {
	const run = (...args: string[]) =>
		host.run(process.execPath, [tubectl, ...args], {
			env: { SLUICE_BPF_DIR: objects },
		});
	const port = String(CONNECTS_PORT);
	await run("load");
	await run("bind", "bench", "tcp", "127.0.0.0/8", port);
	await run("register-pid", String(pid), "bench", "tcp", SERVER, port);
}
