import { setTimeout } from "node:timers/promises";
import type { ExecutionContext } from "ava";
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
	UPSTREAMS,
} from "./helpers/site.js";

const lab = sharedLab(async (lab) => {
	await lab.agents.upstream.listen(2222, UPSTREAM, UPSTREAM6);
	await lab.agents.far.listen(2222, FAR);
	// A neighbour that has gone is noticed within two seconds here, not a minute.
	for (const family of ["ipv4", "ipv6"])
		await lab.box.sysctl({
			[`net/${family}/neigh/b1/base_reachable_time_ms`]: 300,
			[`net/${family}/neigh/b1/delay_first_probe_time`]: 0,
			[`net/${family}/neigh/b1/retrans_time_ms`]: 100,
			[`net/${family}/neigh/b1/interval_probe_time_ms`]: 200,
		});
});

/** The router on the way to FAR. */
const ROUTER = "10.0.2.2";
/** States with a MAC address that packets go to (NUD_VALID), but for those that are never resolved. */
const VALID = "(REACHABLE|STALE|DELAY|PROBE)";

const v4 = { from: CLIENT, to: BOX, port: PORT };
const v6 = { from: CLIENT6, to: BOX6, port: PORT };

async function neighbours(): Promise<string> {
	return (await lab.box.run("ip", ["neigh", "show", "dev", "b1"])).stdout;
}

/** Waits for a neighbour, 20 seconds at most. */
async function seen(t: ExecutionContext, neighbour: RegExp): Promise<void> {
	for (let i = 0; i < 100 && !neighbour.test(await neighbours()); i++)
		await setTimeout(200);
	t.regex(await neighbours(), neighbour);
}

it("the neighbours of upstreams, and the gateway of one further off, are kept resolved, and let go at the end", async (t) => {
	const server = await lab.serve(
		key({ upstreams: [UPSTREAM, FAR] }) +
			key({ address: BOX6, upstreams: [UPSTREAM6] }),
	);
	for (const address of [UPSTREAM, ROUTER, UPSTREAM6])
		await seen(
			t,
			new RegExp(`^${address} lladdr \\S+ (router )?managed ${VALID}`, "m"),
		);
	await server.stop();
	t.notRegex(await neighbours(), /managed/);
});

it("a permanent entry is left alone", async (t) => {
	const [u0] = JSON.parse(
		(await lab.upstream.run("ip", ["-j", "link", "show", "dev", "u0"])).stdout,
	);
	const other = UPSTREAMS[1] as string;
	await lab.box.run("ip", [
		...["neigh", "replace", other, "lladdr", u0.address, "dev", "b1"],
	]);
	const server = await lab.serve(key({ upstreams: [other] }));
	await server.stop();
	t.regex(
		await neighbours(),
		new RegExp(`^${other} lladdr \\S+ PERMANENT`, "m"),
	);
	await lab.box.run("ip", ["neigh", "del", other, "dev", "b1"]);
});

/** Sends one datagram after the other until one has arrived that was sent after `change`. */
async function heals(
	request: typeof v4,
	change: () => Promise<unknown>,
): Promise<number> {
	await lab.agents.client.send({ ...request, ports: [5000] });
	await lab.agents.upstream.take(1);
	await change();
	for (let port = 5001; port < 5100; port++) {
		await lab.agents.client.send({ ...request, ports: [port] });
		const arrived = await lab.agents.upstream.take(1, 250);
		if (arrived.length > 0) return port - 5000;
	}
	return Number.POSITIVE_INFINITY;
}

for (const action of ["pass", "block"] as const) {
	const both =
		key({ action }) + key({ action, address: BOX6, upstreams: [UPSTREAM6] });

	it(`${action}: a flushed neighbour is resolved again by the traffic itself`, async (t) => {
		await lab.serve(both);
		for (const request of [v4, v6]) {
			const flush = () => lab.box.run("ip", ["neigh", "flush", "dev", "b1"]);
			t.true((await heals(request, flush)) <= 2);
		}
	});

	it(`${action}: an upstream that gets another MAC address is found again`, async (t) => {
		await lab.serve(both);
		for (const [i, request] of [v4, v6].entries()) {
			const mac = `02:00:00:00:aa:${action === "pass" ? 10 + i : 20 + i}`;
			const change = () =>
				lab.upstream.run("ip", ["link", "set", "u0", "address", mac]);
			t.true(Number.isFinite(await heals(request, change)));
		}
	});
}

it("an upstream that is down harms no other, and is served again when it comes back", async (t) => {
	const [up, down] = [UPSTREAM, "10.0.2.99"];
	await lab.serve(key({ upstreams: [up, down] }));
	const ports = Array.from({ length: 100 }, (_, i) => 6000 + i);
	await lab.agents.client.send({ ...v4, ports });
	const first = [];
	for (;;) {
		const more = await lab.agents.upstream.take();
		if (more.length === 0) break;
		first.push(...more);
	}
	t.true(first.length > 30 && first.length < 70, `${first.length} of 100`);
	await lab.upstream.run("ip", ["address", "add", `${down}/24`, "dev", "u0"]);
	await lab.agents.upstream.listen(2222, down);
	await seen(t, new RegExp(`^${down} lladdr \\S+ managed ${VALID}`, "m"));
	await lab.agents.client.send({ ...v4, ports });
	const second = await lab.agents.upstream.take(100);
	t.is(second.length, 100);
	t.is(second.filter(({ at }) => at === `${up}:2222`).length, first.length);
});

it("a route that changes is followed, with its neighbour", async (t) => {
	await lab.serve(key({ upstreams: [FAR] }));
	t.teardown(() => lab.box.route("10.0.3.0/24", "10.0.2.2"));
	const other = UPSTREAMS[2] as string;
	await lab.box.route("10.0.3.0/24", other);
	await lab.agents.client.send({ ...v4, ports: [7000, 7001] });
	t.is((await lab.agents.far.take(2)).length, 2);
	// Looked at every two seconds.
	await seen(t, new RegExp(`^${other} .*managed`, "m"));
});
