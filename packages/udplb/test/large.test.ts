import { setTimeout } from "node:timers/promises";
import { it, Lab } from "./helpers/lab.js";
import { BOX, CLIENT, UPSTREAMS } from "./helpers/site.js";

const KEYS = 10_000;
const FIRST = 20_000;

/** Ten thousand keys: each port goes to the same port of ten upstreams, the last one to `last`. JSON, as programs write it. */
const config = (last: string) =>
	JSON.stringify(
		Array.from({ length: KEYS }, (_, i) => ({
			key: { address: BOX, port: FIRST + i },
			options: { tc_action: "block" },
			upstream: (i === KEYS - 1 ? [last] : UPSTREAMS).map((address) => ({
				address,
				port: FIRST + i,
			})),
		})),
	);

it("ten thousand keys with ten upstreams each work, and one of them can be changed", async (t) => {
	const lab = new Lab();
	await lab.build();
	t.teardown(() => lab.close());
	const ports = [FIRST, FIRST + 4711, FIRST + KEYS - 1];
	for (const port of ports)
		await lab.agents.upstream.listen(port, ...UPSTREAMS);
	const server = await lab.serve(config(UPSTREAMS[0] as string));
	t.regex(server.stderr, /serving 10000 keys with 99991 upstreams/);
	const send = async () => {
		for (const port of ports)
			await lab.agents.client.send({ from: CLIENT, to: BOX, port });
		return (await lab.agents.upstream.take(3)).map(({ at }) => at);
	};
	const first = await send();
	t.is(first.length, 3);
	t.is(first[2], `${UPSTREAMS[0]}:${FIRST + KEYS - 1}`);
	await lab.reload(server, config(UPSTREAMS[1] as string));
	t.regex(server.stderr, /reloaded: 0 keys added, 1 changed, 0 removed/);
	t.is((await send())[2], `${UPSTREAMS[1]}:${FIRST + KEYS - 1}`);
});

it("a key can have 65535 upstreams", async (t) => {
	const lab = new Lab();
	await lab.build();
	t.teardown(() => lab.close());
	await lab.box.route("10.64.0.0/16", "10.0.2.2");
	const upstreams = Array.from(
		{ length: 65_535 },
		(_, i) => `    - address: 10.64.${i >> 8}.${i & 255}\n      port: 2222\n`,
	);
	const capture = lab.upstream.spawn("tcpdump", ["-lni", "u0", "udp"]);
	await capture.ready(/listening/, "stderr");
	await lab.serve(
		`- key:\n    address: ${BOX}\n    port: 53\n  options:\n    tc_action: block\n  upstream:\n${upstreams.join("")}`,
	);
	const ports = Array.from({ length: 20 }, (_, i) => 4000 + i);
	await lab.agents.client.send({ from: CLIENT, to: BOX, port: 53, ports });
	// A datagram may be seen more than once: what counts is how many went where.
	const seen = () =>
		new Set(capture.stdout.match(/(?<=> )10\.64\.\d+\.\d+/g)).size;
	for (let i = 0; seen() <= 15 && i < 100; i++) await setTimeout(100);
	t.true(seen() > 15, `${seen()} upstreams for 20 flows`);
});
