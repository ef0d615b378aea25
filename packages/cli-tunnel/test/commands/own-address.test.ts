// Needs root and BPF: gives addresses to the network namespace that the tests run in.
import { execFileSync } from "node:child_process";
import { session, withTables } from "@sluice/cli-kit/testing";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

it("set refuses a remote that is this machine, or all of its subnet", async (t, tables) => {
	const ip = (words: string) => execFileSync("ip", words.split(" "));
	ip("link add link0 type veth peer name peer0");
	ip("link set link0 up");
	ip("link set peer0 up");
	ip("address add 192.0.2.17/28 dev link0");
	ip("address add 198.51.100.0/31 dev link0");
	ip("address add fd07::1/64 dev link0 nodad");
	const refused = (local: string, remote: string, kind: string) => ({
		type: `set 1 ${local} 6080 ${remote} 6080`,
		code: 2,
		err: `cli_tunnel: set: ip-remote must be an address of another machine, got "${remote}", ${kind}\n`,
	});
	await session(t, tables, cli, [
		refused("192.0.2.17", "192.0.2.17", "an address of this machine"),
		refused("192.0.2.17", "192.0.2.31", "a broadcast address"),
		refused("fd07::1", "fd07::1", "an address of this machine"),
		{
			type: "set 1 192.0.2.17 6080 192.0.2.30 6080",
			out: "TUN\t       1\t 192.0.2.17:6080 -> 192.0.2.30:6080\n",
		},
		{
			type: "set 1 198.51.100.0 6080 198.51.100.1 6080",
			out: "TUN\t       1\t198.51.100.0:6080 -> 198.51.100.1:6080\n",
		},
	]);
});
