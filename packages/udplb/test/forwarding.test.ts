import { key } from "./helpers/configuration.js";
import { it, sharedLab } from "./helpers/lab.js";
import {
	BOX,
	BOX6,
	CLIENT,
	CLIENT6,
	FAR,
	PORT,
	UPSTREAM,
	UPSTREAM6,
} from "./helpers/site.js";

const lab = sharedLab(async (lab) => {
	await lab.agents.upstream.listen(2222, UPSTREAM, UPSTREAM6);
	await lab.agents.box.listen(PORT, BOX, BOX6);
	await lab.agents.far.listen(2222, FAR);
});

const v4 = { from: CLIENT, to: BOX, port: PORT };
const v6 = { from: CLIENT6, to: BOX6, port: PORT };
const both = (action: "pass" | "block") =>
	key({ action }) + key({ action, address: BOX6, upstreams: [UPSTREAM6] });

/** Every size of payload where something changes, up to the largest. */
const SIZES = [1, 2, 7, 8, 64, 1471, 1472, 1473, 1480, 2960, 9000, 65_507];

it("block sends packets to the upstream and only there, from the key's address and the sender's port", async (t) => {
	const server = await lab.serve(key());
	t.teardown(() => server.stop());
	await lab.agents.client.send({ ...v4, ports: [4001] });
	t.deepEqual(await lab.agents.upstream.take(1), [
		{ at: `${UPSTREAM}:2222`, from: BOX, port: 4001, size: 100, intact: true },
	]);
	t.deepEqual(await lab.agents.box.take(), []);
});

it("pass sends a copy to the upstream, and the packet goes up the stack as it came", async (t) => {
	const server = await lab.serve(key({ action: "pass" }));
	t.teardown(() => server.stop());
	await lab.agents.client.send({ ...v4, ports: [4002] });
	t.deepEqual(await lab.agents.upstream.take(1), [
		{ at: `${UPSTREAM}:2222`, from: BOX, port: 4002, size: 100, intact: true },
	]);
	t.deepEqual(await lab.agents.box.take(1), [
		{ at: `${BOX}:${PORT}`, from: CLIENT, port: 4002, size: 100, intact: true },
	]);
});

for (const action of ["pass", "block"] as const)
	for (const [family, request, largest] of [
		["IPv4", v4, 65_507],
		["IPv6", v6, 65_507],
	] as const)
		it(`${action} carries datagrams of every size over ${family}`, async (t) => {
			const server = await lab.serve(both(action));
			t.teardown(() => server.stop());
			const sizes = SIZES.filter((size) => size <= largest);
			await lab.agents.client.send({ ...request, sizes, gap: 5 });
			const arrived = await lab.agents.upstream.take(sizes.length);
			t.deepEqual(
				arrived.map(({ size }) => size),
				sizes,
			);
			t.true(arrived.every(({ intact }) => intact));
			const up = await lab.agents.box.take(
				action === "pass" ? sizes.length : 0,
			);
			t.deepEqual(
				up.map(({ size }) => size),
				action === "pass" ? sizes : [],
			);
		});

for (const [title, client, box, rx] of [
	["made by the sender", "off", "on", "off"],
	["begun by the sender and made where it leaves the box", "on", "off", "off"],
	["left to the cards", "on", "on", "on"],
] as const)
	it(`checksums are right to a real receiver when they are ${title}`, async (t) => {
		const set = async (c: string, b: string, r: string) => {
			await lab.client.run("ethtool", ["-K", "c0", "tx", c]);
			await lab.box.run("ethtool", ["-K", "b1", "tx", b]);
			await lab.upstream.run("ethtool", ["-K", "u0", "rx", r]);
		};
		await set(client, box, rx);
		t.teardown(() => set("on", "on", "on"));
		for (const action of ["pass", "block"] as const) {
			const server = await lab.serve(both(action));
			const sizes = [1, 2, 3, 100, 1000, 4000];
			await lab.agents.client.send({ ...v4, sizes });
			await lab.agents.client.send({ ...v6, sizes });
			const arrived = await lab.agents.upstream.take(12);
			t.is(arrived.length, 12, action);
			t.true(arrived.every(({ intact }) => intact));
			if (action === "pass") t.is((await lab.agents.box.take(12)).length, 12);
			await server.stop();
		}
	});

it("super-packets arrive as the datagrams that they stand for", async (t) => {
	for (const action of ["pass", "block"] as const) {
		const server = await lab.serve(both(action));
		for (const request of [v4, v6])
			await lab.agents.client.send({
				...request,
				sizes: [40_000],
				segment: 1000,
			});
		const arrived = await lab.agents.upstream.take(80);
		t.is(arrived.length, 80);
		t.true(arrived.every(({ size, intact }) => size === 1000 && intact));
		const up = await lab.agents.box.take(action === "pass" ? 80 : 0);
		t.is(up.length, action === "pass" ? 80 : 0);
		const { stdout } = await lab.run("stats", "--json");
		const [{ upstreams }] = JSON.parse(stdout).interfaces;
		t.deepEqual(
			upstreams.map(({ packets }: { packets: number }) => packets),
			[40, 40],
		);
		await server.stop();
	}
});

it("a checksum of zero stays zero", async (t) => {
	const server = await lab.serve(key());
	t.teardown(() => server.stop());
	const capture = lab.upstream.spawn("tcpdump", ["-lnvv", "-i", "u0", "udp"]);
	await capture.ready(/listening/, "stderr");
	await lab.agents.client.send({ ...v4, noChecksum: true });
	t.is((await lab.agents.upstream.take(1)).length, 1);
	const [line] = await capture.ready(/> 10\.0\.2\.11\.2222: .*/);
	t.regex(line, /\[no cksum\]/);
	await capture.stop();
});

for (const action of ["pass", "block"] as const)
	it(`${action} decrements the time to live, and sends nothing that has come to its end`, async (t) => {
		const server = await lab.serve(both(action), "--json", "-d");
		t.teardown(() => server.stop());
		const capture = lab.upstream.spawn("tcpdump", ["-lnvi", "u0", "udp"]);
		await capture.ready(/listening/, "stderr");
		const answers = lab.client.spawn("tcpdump", [
			...["-lnvvi", "c0", "icmp[0] == 11 or (icmp6 and ip6[40] == 3)"],
		]);
		await answers.ready(/listening/, "stderr");
		for (const [option, ttl, from] of [
			["ttl", 64, `UDP4-DATAGRAM:${BOX}:${PORT}`],
			["ttl", 2, `UDP4-DATAGRAM:${BOX}:${PORT}`],
			["ttl", 1, `UDP4-DATAGRAM:${BOX}:${PORT},ipoptions=x01010101`],
			["ipv6-unicast-hops", 9, `UDP6-DATAGRAM:[${BOX6}]:${PORT}`],
			["ipv6-unicast-hops", 1, `UDP6-DATAGRAM:[${BOX6}]:${PORT}`],
		] as const)
			await lab.client.run("socat", ["-u", "-", `${from},${option}=${ttl}`], {
				input: `${ttl}`,
			});
		await capture.ready(/ttl 63[\s\S]*ttl 1,[\s\S]*hlim 8/);
		t.is((await lab.agents.upstream.take()).length, 3);
		t.is((await lab.agents.box.take()).length, action === "pass" ? 5 : 0);
		await server.ready(/("outcome":"ttl_expired"[\s\S]*){2}/);
		if (action === "block") {
			await answers.ready(
				/10\.0\.1\.1 > 10\.0\.1\.2: ICMP time exceeded in-transit[\s\S]*fd01::1 > fd01::2: \[icmp6 sum ok\] ICMP6, time exceeded in-transit/,
			);
			t.notRegex(answers.stdout, /wrong icmp cksum|bad cksum/);
		} else t.is(answers.stdout, "");
		await answers.stop();
		await capture.stop();
	});

it("a packet with IP options arrives", async (t) => {
	const server = await lab.serve(key());
	t.teardown(() => server.stop());
	// Four times "no operation".
	const to = `UDP4-DATAGRAM:${BOX}:${PORT},ipoptions=x01010101`;
	await lab.client.run("socat", ["-u", "-", to], { input: "x" });
	const [datagram] = await lab.agents.upstream.take(1);
	t.is(datagram?.size, 1);
});

it("an upstream behind a gateway is reached", async (t) => {
	for (const action of ["pass", "block"] as const) {
		const server = await lab.serve(key({ action, upstreams: [FAR] }));
		await lab.agents.client.send({ ...v4, sizes: [100, 20_000] });
		const arrived = await lab.agents.far.take(2);
		t.deepEqual(
			arrived.map(({ from, size, intact }) => [from, size, intact]),
			[
				[BOX, 100, true],
				[BOX, 20_000, true],
			],
		);
		await server.stop();
	}
	await lab.agents.box.take();
});

it("an upstream that is the machine itself gets the packets with their sender's address", async (t) => {
	await lab.agents.box.listen(3333, "10.0.2.1");
	for (const action of ["pass", "block"] as const) {
		const server = await lab.serve(
			key({ action, upstreams: ["10.0.2.1"], upstreamPort: 3333 }),
		);
		await lab.agents.client.send({ ...v4, ports: [4003], sizes: [100, 5000] });
		const got = await lab.agents.box.take(action === "pass" ? 4 : 2);
		t.deepEqual(
			got
				.filter(({ at }) => at === "10.0.2.1:3333")
				.map(({ from, port, size, intact }) => [from, port, size, intact]),
			[
				[CLIENT, 4003, 100, true],
				[CLIENT, 4003, 5000, true],
			],
		);
		const passed = got.filter(({ at }) => at === `${BOX}:${PORT}`);
		t.is(passed.length, action === "pass" ? 2 : 0);
		await server.stop();
	}
});

it("a host that does not forward relays all the same", async (t) => {
	await lab.box.sysctl({
		"net/ipv4/ip_forward": 0,
		"net/ipv6/conf/all/forwarding": 0,
	});
	t.teardown(() => lab.box.forward());
	for (const action of ["pass", "block"] as const) {
		const server = await lab.serve(both(action));
		await lab.agents.client.send({ ...v4, sizes: [100, 5000] });
		await lab.agents.client.send({ ...v6, sizes: [100, 5000] });
		const arrived = await lab.agents.upstream.take(4);
		t.deepEqual(
			arrived.map(({ from, size, intact }) => [from, size, intact]),
			[
				[BOX, 100, true],
				[BOX, 5000, true],
				[BOX6, 100, true],
				[BOX6, 5000, true],
			],
		);
		const up = await lab.agents.box.take(action === "pass" ? 4 : 0);
		t.is(up.length, action === "pass" ? 4 : 0);
		await server.stop();
	}
});

it("what is larger than the way out takes goes up the stack under pass, and is answered under block", async (t) => {
	await lab.box.run("ip", ["link", "set", "b1", "mtu", "1400"]);
	t.teardown(() => lab.box.run("ip", ["link", "set", "b1", "mtu", "1500"]));
	for (const action of ["pass", "block"] as const) {
		const server = await lab.serve(both(action), "-d", "--json");
		await lab.agents.client.send({ ...v4, sizes: [1372, 1373] });
		await lab.agents.client.send({ ...v6, sizes: [1352, 1353] });
		const arrived = await lab.agents.upstream.take(2);
		t.deepEqual(
			arrived.map(({ size }) => size),
			[1372, 1352],
		);
		const up = await lab.agents.box.take(action === "pass" ? 4 : 0);
		t.is(up.length, action === "pass" ? 4 : 0);
		await server.ready(/("outcome":"too_big"[\s\S]*){2}/);
		const { stdout } = await lab.run("stats", "--json");
		const { outcomes } = JSON.parse(stdout).interfaces[0];
		t.like(outcomes, { too_big: 2, answered: action === "pass" ? 0 : 2 });
		if (action === "block") {
			// After the ICMP error, the sender fragments them.
			await lab.agents.client.send({ ...v4, sizes: [1373] });
			await lab.agents.client.send({ ...v6, sizes: [1353] });
			const cut = await lab.agents.upstream.take(2);
			t.deepEqual(
				cut.map(({ size, intact }) => [size, intact]),
				[
					[1373, true],
					[1353, true],
				],
			);
		}
		await server.stop();
	}
	for (const family of ["-4", "-6"])
		await lab.client.run("ip", [family, "route", "flush", "cache"]);
});

it("an IPv4 datagram without DF that does not fit goes in fragments, as a router sends it", async (t) => {
	await lab.client.sysctl({ "net/ipv4/ip_no_pmtu_disc": 1 });
	for (const mtu of [1400, 576]) {
		await lab.box.run("ip", ["link", "set", "b1", "mtu", String(mtu)]);
		for (const action of ["block", "pass"] as const) {
			const server = await lab.serve(both(action));
			// One that fits, the first that does not, two fragments that do not, and as large as they get.
			const sizes = [mtu - 28, mtu - 27, 1472, 4000, 65_507];
			await lab.agents.client.send({ ...v4, sizes, gap: 20 });
			await lab.agents.client.send({ ...v4, sizes: [1472], noChecksum: true });
			const arrived = await lab.agents.upstream.take(sizes.length + 1);
			t.deepEqual(
				arrived.map(({ size, intact }) => [size, intact]),
				[...sizes, 1472].map((size) => [size, true]),
				`${action} ${mtu}`,
			);
			const { stdout } = await lab.run("stats", "--json");
			const { outcomes } = JSON.parse(stdout).interfaces[0];
			t.like(outcomes, { too_big: 0, answered: 0 });
			await lab.agents.box.take(action === "pass" ? sizes.length + 1 : 0);
			await server.stop();
		}
	}
	await lab.client.sysctl({ "net/ipv4/ip_no_pmtu_disc": 0 });
	await lab.box.run("ip", ["link", "set", "b1", "mtu", "1500"]);
});

it("packets to other ports and other protocols are left alone", async (t) => {
	const server = await lab.serve(key());
	t.teardown(() => server.stop());
	await lab.agents.box.listen(PORT + 1, BOX);
	await lab.agents.client.send({ ...v4, port: PORT + 1, sizes: [10, 5000] });
	t.is((await lab.agents.box.take(2)).length, 2);
	await lab.client.run("ping", ["-c1", "-s", "3000", BOX]);
	t.is((await lab.agents.upstream.take()).length, 0);
});
