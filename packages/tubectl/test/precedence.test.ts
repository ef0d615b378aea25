import { once } from "node:events";
import { statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { close, openPin, socketInfo, testRun } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import { Random } from "@sluice/testbed";
import test from "ava";
import { lookupContext, type Packet, selected } from "./helpers/lookup.js";
import { kernelTest, ownHost } from "./helpers/own-host.js";
import { isFor, type Listed } from "./helpers/reference.js";
import { descriptor, greeter } from "./helpers/servers.js";
import { json, must, registerOwn, tubectl } from "./helpers/tubectl.js";

test.before(ownHost);
test.afterEach.always(() => tubectl("unload"));

const PASS = 1;
const DROP = 0;

/** The program that is loaded, run without a packet. */
function dataPlane() {
	const { ino } = statSync("/proc/self/ns/net");
	const program = openPin(`/sys/fs/bpf/${ino}_dispatcher/program`);
	return {
		run: (packet: Packet) => {
			const { verdict, context } = testRun(program, {
				context: lookupContext(packet),
			});
			return { verdict, socket: selected(context) };
		},
		close: () => close(program),
	};
}

for (const [seed, index, lengths] of [
	[1, "without", "many"],
	[2, "without", "many"],
	[3, "made before", "many"],
	[4, "made after", "many"],
	[5, "made before", "few"],
	[6, "made after", "few"],
] as const)
	kernelTest(
		`Of random bindings (${seed}, index ${index}, ${lengths} lengths) the data plane takes the first in the listing that matches, and so does who`,
		async (t) => {
			const random = new Random(seed);
			await must("load");
			if (index === "made before") await must("upgrade", "--index");
			const cookies = new Map<string, bigint>();
			for (const label of ["a", "b", "c", "d"])
				for (const host of ["127.0.0.1", "::1"]) {
					const server = createServer();
					server.listen({ host, port: 0, ipv6Only: true });
					await once(server, "listening");
					t.teardown(() => void server.close());
					const { port } = server.address() as AddressInfo;
					await must(
						...["register-pid", String(process.pid), label],
						...["tcp", host, String(port)],
					);
					const family = host.includes(":") ? "ipv6" : "ipv4";
					cookies.set(
						`${label} ${family}`,
						socketInfo(descriptor(server)).cookie,
					);
				}
			// Few distinct addresses and ports, so that bindings overlap; "e" has no socket.
			const labels = ["a", "b", "c", "d", "e"];
			const ports = [0, 80, 443];
			const v4 = () =>
				`10.${random.below(2)}.${random.below(2)}.${random.below(4)}`;
			const v6 = () => `2001:db8:${random.below(2)}::${random.below(4)}`;
			const lengthOf = (ipv4: boolean) => {
				// The index is asked for more than 63 bindings of one or two lengths, /24 and /120 being one.
				if (lengths === "few") return (ipv4 ? 32 : 128) - 8 * random.below(2);
				return ipv4
					? 32 - random.below(18)
					: 128 - random.below(3) * 32 - random.below(4);
			};
			for (let i = 0; i < (lengths === "few" ? 240 : 120); i++) {
				const ipv4 = random.below(2) === 0;
				const length = lengthOf(ipv4);
				const address = masked(ipv4 ? v4() : v6(), length, ipv4);
				await must(
					...["bind", labels[random.below(5)] as string, "tcp"],
					...[`${address}/${length}`, String(ports[random.below(3)])],
				);
			}
			await unbindSome(random);
			if (index === "made after") await must("upgrade", "--index");
			const listed: Listed[] = (await json("bindings")).bindings;
			const plane = dataPlane();
			t.teardown(() => plane.close());
			for (let i = 0; i < 2000; i++) {
				const packet: Packet = {
					protocol: "tcp",
					address: random.below(2) === 0 ? v4() : v6(),
					port: [80, 443, 8080][random.below(3)] as number,
				};
				const family = packet.address.includes(":") ? "ipv6" : "ipv4";
				const first = listed.find((binding) => isFor(binding, packet));
				const cookie = first && cookies.get(`${first.label} ${family}`);
				t.deepEqual(
					plane.run(packet),
					{
						verdict: first && !cookie ? DROP : PASS,
						socket: cookie ?? 0n,
					},
					JSON.stringify({ packet, first }),
				);
				if (i >= 40) continue;
				const answer = await json(
					...["who", packet.protocol, packet.address, String(packet.port)],
				);
				t.deepEqual(answer.binding, first ?? null, JSON.stringify(packet));
				t.is(answer.verdict, first ? (cookie ? "socket" : "drop") : "pass");
				t.is(
					answer.passedBy.length,
					Math.max(listed.filter((one) => isFor(one, packet)).length - 1, 0),
				);
			}
		},
	);

/** Removes every fourth binding or so. */
async function unbindSome(random: Random): Promise<void> {
	for (const one of (await json("bindings")).bindings as Listed[])
		if (random.below(4) === 0)
			await must("unbind", one.label, "tcp", one.prefix, String(one.port));
}

function masked(text: string, length: number, ipv4: boolean): string {
	const bytes = Buffer.alloc(16);
	Address.of(text).write(bytes, 0);
	const bits = length + (ipv4 ? 96 : 0);
	for (let bit = bits; bit < 128; bit++)
		bytes[bit >> 3] = (bytes[bit >> 3] as number) & ~(0x80 >> (bit & 7));
	return String(Address.read(bytes, 0));
}

kernelTest("A binding of all of IPv6 leaves IPv4 alone", async (t) => {
	await must("load");
	await must("bind", "foo", "tcp", "::/0", "0");
	const plane = dataPlane();
	t.teardown(() => plane.close());
	const at = (address: string) =>
		plane.run({ protocol: "tcp", address, port: 80 }).verdict;
	t.is(at("127.0.0.1"), PASS);
	t.is(at("2001:db8::1"), DROP);
	t.is((await json("who", "tcp", "127.0.0.1", "80")).verdict, "pass");
	t.is((await json("who", "tcp", "::1", "80")).verdict, "drop");
});

kernelTest("who says why", async (t) => {
	await must("load");
	const { port } = await greeter(t, "foo");
	await registerOwn("foo", port);
	await must("bind", "bar", "tcp", "127.0.0.0/8", "0");
	await must("bind", "bar", "tcp", "127.0.0.0/24", "0");
	await must("bind", "foo", "tcp", "127.0.0.0/24", "80");
	const { destinations } = await json("status", "foo");
	t.is(
		await must("who", "tcp", "127.0.0.9", "80"),
		[
			"binding tcp 127.0.0.0/24 port 80 leads to foo",
			`socket ${destinations[0].socket} gets it`,
			"passed by: tcp 127.0.0.0/24 every port, which leads to bar: every port, where the other names this one",
			"passed by: tcp 127.0.0.0/8 every port, which leads to bar: a shorter prefix",
			"",
		].join("\n"),
	);
	t.is(
		await must("who", "tcp", "127.0.0.9", "81"),
		[
			"binding tcp 127.0.0.0/24 every port leads to bar",
			"dropped: no ipv4 tcp socket is registered for bar",
			"passed by: tcp 127.0.0.0/8 every port, which leads to bar: a shorter prefix",
			"",
		].join("\n"),
	);
	t.is(
		await must("who", "udp", "127.0.0.9", "81"),
		"no binding matches: the kernel looks a socket up as if there were no dispatcher\n",
	);
});
