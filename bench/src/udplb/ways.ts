import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Testbed } from "@sluice/testbed";
import { bin } from "../cli/bins.js";
import { BOX, buildPath, type Path, PORT, UPSTREAM } from "./path.js";

const udplb = bin("udplb", "udplb");

/** The client sends to the upstream itself, the box just routes. */
export async function routing(bed: Testbed): Promise<Path> {
	return { ...(await buildPath(bed)), target: UPSTREAM };
}

/** The box translates both addresses with nftables and conntrack, as udplb does without. */
export async function nat(bed: Testbed): Promise<Path> {
	const path = await buildPath(bed);
	await path.box.run("nft", ["-f", "-"], {
		input: `table ip bench {
			chain prerouting {
				type nat hook prerouting priority dstnat
				ip daddr ${BOX} udp dport ${PORT} dnat to ${UPSTREAM}
			}
			chain postrouting {
				type nat hook postrouting priority srcnat
				ip daddr ${UPSTREAM} snat to ${BOX}
			}
		}`,
	});
	return path;
}

/** udplb with so many keys, on consecutive ports, and so many upstreams for each. */
export function ours(action: "pass" | "block", keys = 1, upstreams = 1) {
	return async (bed: Testbed): Promise<Path> => {
		const path = await buildPath(bed);
		// Packets that go up the stack find a socket. It is not read: when it is full, the kernel counts and drops.
		if (action === "pass")
			path.box.spawn("socat", ["-u", `UDP4-RECV:${PORT},bind=${BOX}`, "PIPE"]);
		const directory = mkdtempSync(join(tmpdir(), "bench-"));
		const file = join(directory, "config.yaml");
		try {
			writeFileSync(file, config(action, keys, upstreams));
			const server = path.box.spawn(process.execPath, [
				...[udplb, "-i", "lan", "-c", file],
			]);
			await server.ready(/serving/, "stderr");
		} finally {
			rmSync(directory, { recursive: true });
		}
		return { ...path, ports: keys };
	};
}

function config(action: string, keys: number, upstreams: number): string {
	const lines: string[] = [];
	for (let key = 0; key < keys; key++) {
		lines.push("- key:", `    address: ${BOX}`, `    port: ${PORT + key}`);
		lines.push("  options:", `    tc_action: ${action}`, "  upstream:");
		for (let i = 1; i <= upstreams; i++)
			lines.push(`    - address: 10.2.1.${i}`, `      port: ${PORT + key}`);
	}
	return `${lines.join("\n")}\n`;
}
