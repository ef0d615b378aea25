import type { Datagram } from "./helpers/agent.js";
import { key } from "./helpers/configuration.js";
import { it, sharedLab } from "./helpers/lab.js";
import { BOX, CLIENT, PORT, UPSTREAMS } from "./helpers/site.js";

const lab = sharedLab(async (lab) => {
	await lab.agents.upstream.listen(2222, ...UPSTREAMS);
	hosts();
	await lab.box.run("sh", [
		"-c",
		`touch /etc/hosts; mount --bind ${hosts()} /etc/hosts`,
	]);
});

/** Writes the box's hosts file. */
const hosts = (address?: string) =>
	lab.write(
		`127.0.0.1 localhost\n${address ? `${address} pool.example\n` : ""}`,
		"hosts",
	);

const [a, b, c] = UPSTREAMS as [string, string, string];
const ports = Array.from({ length: 200 }, (_, i) => 20_000 + i);

/** The upstream of each flow, by source port. */
async function flows(): Promise<Map<number, string>> {
	await lab.agents.client.send({
		...{ from: CLIENT, to: BOX, port: PORT, sizes: [8], ports },
	});
	const arrived: Datagram[] = await lab.agents.upstream.take(200);
	arrived.sort((one, other) => one.port - other.port);
	return new Map(arrived.map(({ port, at }) => [port, at]));
}

it("a host name that gets another address is followed, and only its flows move", async (t) => {
	hosts(a);
	const server = await lab.serve(
		key({ upstreams: ["pool.example", c] }),
		"--resolve",
		"1",
	);
	const before = await flows();
	hosts(b);
	await server.ready(
		new RegExp(`host name "pool.example" \\(IPv4\\): ${a} is now ${b}\n`),
		"stderr",
	);
	// The tables are changed next.
	await lab.reload(server, key({ upstreams: ["pool.example", c] }));
	const after = await flows();
	t.is(after.size, 200);
	for (const port of ports)
		t.is(after.get(port), before.get(port)?.replace(`${a}:`, `${b}:`));
	t.true([...before.values()].includes(`${a}:2222`));

	// A name that no longer resolves keeps its address, and is logged once.
	hosts();
	await server.ready(/host name "pool.example" \(IPv4\): E\w+\n/, "stderr");
	t.deepEqual(await flows(), after);
	hosts(b);
	await server.ready(
		/host name "pool.example" \(IPv4\): found again\n/,
		"stderr",
	);
});

it("a host name without an address at start is no usage error, and can be waited for", async (t) => {
	await lab.stop();
	hosts();
	const file = lab.write(key({ upstreams: ["pool.example"] }));
	const { exitCode, stderr } = await lab.run("-i", "b0", "-c", file);
	t.is(exitCode, 1);
	t.regex(
		stderr,
		/^udplb: \S+:8: \[0\]\.upstream\[0\]\.address: expected a host name with an IPv4 address, got "pool\.example" \(\w+\)$/m,
	);

	const waiting = lab.box.spawn(process.execPath, [
		...["dist/udplb.cjs", "--wait", "-i", "b0", "-c", file],
	]);
	await waiting.ready(/ERRO.*got "pool\.example"/, "stderr");
	hosts(a);
	await waiting.ready(/serving/, "stderr");
	t.is((await flows()).size, 200);
	await waiting.stop();

	hosts();
	const stopped = lab.box.spawn(process.execPath, [
		...["dist/udplb.cjs", "--wait", "-i", "b0", "-c", file],
	]);
	await stopped.ready(/ERRO.*got "pool\.example"/, "stderr");
	await stopped.stop();
	t.is((await stopped.ended).exitCode, 0);
	t.regex(stopped.stderr, /stopped\n$/);
});
