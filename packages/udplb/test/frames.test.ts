// Frames that no socket sends: with a VLAN tag, for many, with a damaged header.
import { key } from "./helpers/configuration.js";
import { it, sharedLab } from "./helpers/lab.js";
import { BOX, PORT, UPSTREAM } from "./helpers/site.js";

const lab = sharedLab(async (lab) => {
	await lab.agents.upstream.listen(2222, UPSTREAM);
	await lab.agents.box.listen(PORT, BOX);
});

/** The Ethernet address where the client's frames arrive, in hexadecimal digits. */
async function macOfBox(): Promise<string> {
	const { stdout } = await lab.box.run("ip", ["-j", "link", "show", "b0"]);
	return JSON.parse(stdout)[0].address.replaceAll(":", "");
}

it("a tagged frame is forwarded without its tag, and goes up the stack with it", async (t) => {
	const mac = await macOfBox();
	// A hook behind ours counts what goes on up the stack with tag 10, priority 5.
	await lab.box.run("nft", ["-f", "-"], {
		input: `table netdev test {
			chain c {
				type filter hook ingress device b0 priority 0
				vlan id 10 vlan pcp 5 counter
			}
		}`,
	});
	t.teardown(() => lab.box.run("nft", ["delete", "table", "netdev", "test"]));
	const tagged = async () =>
		(await lab.box.run("nft", ["list", "table", "netdev", "test"])).stdout;
	for (const [action, passed] of [
		["block", 0],
		["pass", 1],
	] as const) {
		const server = await lab.serve(key({ action }));
		const capture = lab.upstream.spawn("tcpdump", ["-lnei", "u0", "udp"]);
		await capture.ready(/listening/, "stderr");
		await lab.client.run("socat", ["-u", "-", "INTERFACE:c0"], {
			input: taggedFrame(mac),
		});
		const [datagram] = await lab.agents.upstream.take(1);
		t.like(datagram, { from: BOX, port: 4004, size: 1 });
		const [line] = await capture.ready(/.*4004 > .*/);
		t.regex(line, /ethertype IPv4/);
		t.regex(await tagged(), new RegExp(`packets ${passed} `));
		await capture.stop();
		await server.stop();
	}
});

/** One byte from the client's port 4004 to the key, with VLAN tag 10 of priority 5. */
function taggedFrame(mac: string): Buffer {
	return Buffer.from(
		[
			mac,
			"020000000001",
			"8100a00a0800",
			"4500001d00000000401164ce0a0001020a000101",
			// A checksum of zero: none.
			"0fa40457000900002a",
		].join(""),
		"hex",
	);
}

it("nothing from or to many is answered with an ICMP error, nor a damaged packet", async (t) => {
	const server = await lab.serve(key());
	t.teardown(() => server.stop());
	const mac = await macOfBox();
	const send = (to: string, from: string) =>
		lab.client.run("socat", ["-u", "-", "INTERFACE:c0"], {
			input: lastHop(to, from),
		});
	const counts = async () => {
		const { stdout } = await lab.run("stats", "--json");
		return JSON.parse(stdout).interfaces[0].outcomes;
	};

	const client = "a3ce0a000102";
	for (const from of ["aed000000000", "cecee0000001", "aed0ffffffff"])
		await send(mac, from);
	for (const to of ["ffffffffffff", "01005e000101"]) await send(to, client);
	t.like(await counts(), { ttl_expired: 5, answered: 0 });

	await send(mac, client);
	t.like(await counts(), { ttl_expired: 6, answered: 1, malformed: 0 });

	// A damaged IP header.
	await send(mac, "12340a000102");
	t.like(await counts(), { ttl_expired: 6, answered: 1, malformed: 1 });
});

/** One byte to the key with a TTL of 1. `from`: the checksum of its IP header, and its source. */
function lastHop(mac: string, from: string): Buffer {
	return Buffer.from(
		`${mac}0200000000010800` +
			`4500001d000000000111${from}0a000101` +
			"0fa40457000900002a",
		"hex",
	);
}
