import { readFileSync } from "node:fs";
import { libc } from "./libc.js";

const if_nametoindex = libc("unsigned int if_nametoindex(const char *ifname)");
const if_indextoname = libc(
	"const char *if_indextoname(unsigned int ifindex, void *ifname)",
);

const IF_NAMESIZE = 16;

// By system call and not from /sys/class/net, which shows the network namespace that mounted it.

/** The index of a network interface in the process's own network namespace. */
export function interfaceIndex(name: string): number | undefined {
	return if_nametoindex(name) || undefined;
}

/** The name of an interface, or undefined if it does not exist. */
export function interfaceName(index: number): string | undefined {
	return if_indextoname(index, Buffer.alloc(IF_NAMESIZE)) ?? undefined;
}

/** The names of all interfaces of the process's own network namespace. */
export const interfaceNames = (): string[] =>
	readFileSync("/proc/self/net/dev", "utf8")
		.split("\n")
		.flatMap((line) => /^ *([^ :]+):/.exec(line)?.[1] ?? []);
