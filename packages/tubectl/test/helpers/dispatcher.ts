import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";

/** The pins of a dispatcher, sorted. */
export const PINS = [
	...["bindings", "destination_metrics", "destinations"],
	...["link", "program", "sockets"],
];

const inode = () => statSync("/proc/self/ns/net").ino;

/** The state directory of this namespace's dispatcher. */
export const directory = () => `/sys/fs/bpf/${inode()}_dispatcher`;

/** Names of all state directories, those of a load under way too. */
export const states = () =>
	readdirSync("/sys/fs/bpf").filter((name) => name.includes("_dispatcher"));

/** How many programs are attached to this namespace. */
export function attached(): number {
	const text = execFileSync("bpftool", ["--json", "link"], {
		encoding: "utf8",
	});
	const links: { type: string; netns_ino: number }[] = JSON.parse(text);
	return links.filter(
		({ type, netns_ino }) => type === "netns" && netns_ino === inode(),
	).length;
}
