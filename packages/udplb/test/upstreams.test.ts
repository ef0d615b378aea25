import type { Datagram } from "./helpers/agent.js";
import { key } from "./helpers/configuration.js";
import { it, sharedLab } from "./helpers/lab.js";
import { BOX, CLIENT, PORT, UPSTREAMS } from "./helpers/site.js";

const lab = sharedLab((lab) => lab.agents.upstream.listen(2222, ...UPSTREAMS));

const request = { from: CLIENT, to: BOX, port: PORT, sizes: [8] };
const portsFrom = (first: number, count: number) =>
	Array.from({ length: count }, (_, i) => first + i);

/** The upstream of each flow, by source port. */
const byPort = (datagrams: readonly Datagram[]) =>
	new Map(datagrams.map(({ port, at }) => [port, at]));

/** Datagrams of each upstream. */
function shares(datagrams: readonly Datagram[]): Map<string, number> {
	const counts = new Map<string, number>();
	for (const { at } of datagrams) counts.set(at, (counts.get(at) ?? 0) + 1);
	return counts;
}

it("src-port keeps a source port on one upstream, from whatever address, and spreads the ports", async (t) => {
	await lab.serve(key({ upstreams: UPSTREAMS }));
	const ports = portsFrom(20_000, 100);
	for (const from of [CLIENT, CLIENT, "10.0.1.100"])
		await lab.agents.client.send({ ...request, from, ports });
	const arrived = await lab.agents.upstream.take(300);
	t.is(arrived.length, 300);
	for (const port of ports) {
		const at = arrived.filter((one) => one.port === port).map(({ at }) => at);
		t.is(at.length, 3);
		t.is(new Set(at).size, 1);
	}
	t.is(shares(arrived).size, 10);
});

it("src-ip keeps an address on one upstream, from whatever port, and spreads the addresses", async (t) => {
	await lab.serve(key({ upstreams: UPSTREAMS, strategy: "src-ip" }));
	const used = new Set<string>();
	for (let i = 0; i < 40; i++) {
		const from = `10.0.1.${100 + i}`;
		await lab.agents.client.send({ ...request, from, ports: [0, 0, 0] });
		const arrived = await lab.agents.upstream.take(3);
		t.is(arrived.length, 3);
		t.is(shares(arrived).size, 1, from);
		used.add(arrived[0]?.at ?? "");
	}
	t.true(used.size > 5, `${used.size} of 10 upstreams are used`);
});

it("removing one of ten upstreams moves its flows, and at most 2 % of the others", async (t) => {
	const ports = portsFrom(20_000, 1000);
	const server = await lab.serve(key({ upstreams: UPSTREAMS }));
	await lab.agents.client.send({ ...request, ports });
	const before = byPort(await lab.agents.upstream.take(1000));
	const gone = UPSTREAMS[3] as string;
	await lab.reload(
		server,
		key({ upstreams: UPSTREAMS.filter((one) => one !== gone) }),
	);
	await lab.agents.client.send({ ...request, ports });
	const after = byPort(await lab.agents.upstream.take(1000));
	t.is(after.size, 1000);
	const moved = ports.filter((port) => before.get(port) !== after.get(port));
	const own = ports.filter((port) => before.get(port) === `${gone}:2222`);
	t.true(own.length > 70 && own.length < 130, `its share was ${own.length}`);
	t.true(
		moved.length - own.length <= 20,
		`${moved.length} of 1000 flows moved, ${own.length} were its own`,
	);
	t.false([...after.values()].includes(`${gone}:2222`));
});

it("weights decide the shares, and a weight that changes moves no more than it must", async (t) => {
	const ports = portsFrom(20_000, 1000);
	const [a, b, c] = UPSTREAMS as [string, string, string];
	const server = await lab.serve(
		key({
			upstreams: [
				[a, 1],
				[b, 2],
				[c, 7],
			],
		}),
	);
	await lab.agents.client.send({ ...request, ports });
	const first = await lab.agents.upstream.take(1000);
	const counts = shares(first);
	for (const [upstream, share] of [
		[a, 100],
		[b, 200],
		[c, 700],
	] as const) {
		const got = counts.get(`${upstream}:2222`) ?? 0;
		t.true(Math.abs(got - share) < 50, `${upstream} has ${got}, not ${share}`);
	}
	await lab.reload(
		server,
		key({
			upstreams: [
				[a, 2],
				[b, 2],
				[c, 7],
			],
		}),
	);
	await lab.agents.client.send({ ...request, ports });
	const after = byPort(await lab.agents.upstream.take(1000));
	const before = byPort(first);
	const moved = ports.filter((port) => before.get(port) !== after.get(port));
	// One of eleven shares is new: 9 %, and what the table must shift for it.
	t.true(moved.length < 130, `${moved.length} of 1000 flows moved`);
});

it("a host name is resolved when the file is read, and again at a reload; it keeps its flows", async (t) => {
	const [a, b, c] = UPSTREAMS as [string, string, string];
	// A minimal system has no /etc/hosts, so the box has a writable /etc of its own.
	await lab.box.run("sh", [
		"-ec",
		`mount -t tmpfs none /mnt && mkdir /mnt/etc /mnt/work
		mount -t overlay -o lowerdir=/etc,upperdir=/mnt/etc,workdir=/mnt/work overlay /etc`,
	]);
	t.teardown(() => lab.box.run("umount", ["/etc", "/mnt"]));
	const hosts = (address: string) =>
		lab.box.run("tee", ["/etc/hosts"], { input: `${address} pool.example\n` });
	await hosts(a);
	const upstreams = ["pool.example", c];
	const server = await lab.serve(key({ upstreams }));
	const ports = portsFrom(20_000, 200);
	await lab.agents.client.send({ ...request, ports });
	const before = byPort(await lab.agents.upstream.take(200));
	await hosts(b);
	await lab.reload(server, key({ upstreams }));
	await lab.agents.client.send({ ...request, ports });
	const after = byPort(await lab.agents.upstream.take(200));
	t.is(after.size, 200);
	for (const port of ports)
		t.is(
			after.get(port),
			before.get(port)?.replace(`${a}:`, `${b}:`),
			`port ${port}`,
		);
	t.true([...before.values()].includes(`${a}:2222`));
});
