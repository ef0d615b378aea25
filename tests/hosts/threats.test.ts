// Needs root and BPF: what each attacker of SECURITY.md can do in each mode of a tunnel, with packets on the wire.

import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Address } from "@sluice/maps/address";
import { type Host, needs, type Result, testWith } from "@sluice/testbed";
import { datagram, type End, icmpError } from "@sluice/tunnel/wire";
import test from "ava";
import { cli } from "../helpers/cli.js";
import { during } from "../helpers/counters.js";
import { exchange } from "../helpers/datagrams.js";
import { addresses } from "../helpers/network.js";
import { ownDirectory } from "../helpers/own-directory.js";
import {
	backendOf,
	end,
	keyOf,
	type Mode,
	modes,
	numberOf,
	packet,
	pings,
	portOf,
	type Site,
	secret,
	sidOf,
	stranger,
	tenant,
	tenants,
	tunnelOf,
	victim,
} from "../helpers/tenants.js";
import { askUdp } from "../helpers/traffic.js";
import { bytes } from "./fixtures/bytes.mjs";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const { client: CLIENT, gateway: GATEWAY, node: NODE, proxy } = addresses[4];

let site: Site;
const ends: (() => Promise<void>)[] = [];
test.before(async (t) => {
	if (needs.root() || needs.bpf()) return;
	site = await tenants({
		timeout: t.timeout,
		teardown: (end) => ends.push(async () => void (await end())),
	});
});
test.after.always(async () => {
	for (const end of ends) await end();
});

/** How many tunnel packets have come to a host that is not the victim's. */
async function heard(host: Host): Promise<number> {
	const { stdout } = await host.run("nft", ["list", "table", "ip", "heard"]);
	return Number(stdout.match(/packets (\d+)/)?.[1]);
}

/** Bytes of payload that the client sends in a mode. */
const sizeOf = (mode: Mode) => 100 * numberOf(mode);

/** The client asks the victim's service in each mode. @throws Error where one is not answered */
const ask = () =>
	Promise.all(
		modes.map((mode) =>
			askUdp(site.client, proxy, portOf(mode, victim), [sizeOf(mode)]),
		),
	);

/** Where the gateway sends the victim's packets. */
async function remotes(): Promise<unknown[]> {
	const { stdout } = await cli(site.gateway, "cli_tunnel get all --json");
	const rows = JSON.parse(stdout).tunnels as {
		id: number;
		remote: { address: string; port: number };
	}[];
	return rows
		.filter(({ id }) => id < 20)
		.map(({ remote }) => `${remote.address} ${remote.port}`);
}

const unmoved = modes.map(() => `${NODE} 6080`);

/** Rows of each pinned table of the gateway that can grow. */
async function rows(): Promise<unknown> {
	const { stdout } = await site.gateway.run("bash", [
		"-c",
		`for pin in /sys/fs/bpf/tc/globals/*; do
			grep -q hash <<<"$(bpftool map show pinned $pin)" || continue
			echo "\${pin##*/} $(bpftool --json map dump pinned $pin)"
		done`,
	]);
	return stdout.split("\n").map((line) => {
		const space = line.indexOf(" ");
		return [line.slice(0, space), JSON.parse(line.slice(space)).length];
	});
}

bpfTest(
	"on the path: payloads are read in each mode, keys where they travel, signing keys never",
	async (t) => {
		const { client, core, gateway, node } = site;
		const file = path.join(ownDirectory(t), "wire.pcap");
		const wire = core.spawn("sh", [
			"-c",
			`exec tcpdump -U --immediate-mode -i to-node -w ${file} udp port 6080 2>&1`,
		]);
		await wire.ready(/listening on to-node/);
		await t.notThrowsAsync(ask());
		await cli(node, "cli_tunnel ping all --count 1");
		// What tcpdump has not read yet when it is stopped is lost: this datagram comes last.
		await gateway.run("bash", [
			"-c",
			`echo "the last one" >/dev/udp/${addresses[4].node}/6080`,
		]);
		while (!readFileSync(file).includes("the last one")) await sleep(100);
		await wire.stop("SIGTERM");
		const read = readFileSync(file);
		const reads = (what: (mode: Mode) => Buffer | string) =>
			modes.filter((mode) => read.includes(what(mode)));
		t.deepEqual(
			reads((mode) => bytes(sizeOf(mode))),
			[...modes],
		);
		t.deepEqual(
			reads((mode) => keyOf(mode, victim)),
			["keys", "signed"],
		);
		t.deepEqual(
			reads((mode) => secret(mode, victim)),
			["keys"],
		);

		// With a token that was read, another payload goes in the same flow; the one with the key goes in any.
		const to = end(CLIENT, 5002);
		const changed = packet("tokens", victim, backendOf("tokens", victim), to, {
			payload: "changed",
		});
		const moved = packet("tokens", victim, backendOf("tokens", victim), {
			...to,
			port: 5003,
		});
		changed.copy(moved, 8, 8, 24);
		const any = packet("keys", victim, backendOf("keys", victim), to);
		t.deepEqual(
			await during(gateway, ["decapsulated", "token"], () =>
				exchange(client, [changed, moved, any], end(GATEWAY)),
			),
			[2, 1],
		);
	},
);

bpfTest(
	"off the path: nothing is read, forged, moved or replayed, and no table grows",
	async (t) => {
		const { client, gateway, node } = site;
		const outside = end(CLIENT);
		const before = await rows();
		for (const mode of modes) {
			const refusal = mode === "tokens" ? "token" : "wrong-key";
			const backend = backendOf(mode, victim);
			const reply = packet(mode, stranger, backend, outside);
			const request = packet(mode, stranger, outside, backend);
			t.deepEqual(
				await during(gateway, [refusal, "decapsulated"], async () => {
					// Recorded, as far as it is its own, and sent again.
					const answers = await exchange(
						client,
						[reply, reply, ...pings(mode, stranger, tunnelOf(mode, victim))],
						end(GATEWAY),
					);
					t.deepEqual(answers, []);
				}),
				[mode === "tokens" ? 2 : 3, 0],
				mode,
			);
			t.deepEqual(
				await during(node, [refusal, "decapsulated"], () =>
					exchange(client, [request, request], end(NODE)),
				),
				[2, 0],
				mode,
			);
		}
		// Flows, services and tunnels by the hundred.
		const many = modes.flatMap((mode) =>
			Array.from({ length: 100 }, (_, i) =>
				packet(
					mode,
					{ ...stranger, group: i },
					backendOf(mode, victim),
					end(CLIENT, 6000 + i),
				),
			).concat(
				Array.from({ length: 25 }, (_, i) => pings(mode, stranger, i)).flat(),
			),
		);
		t.deepEqual(await exchange(client, many, end(GATEWAY)), []);
		t.deepEqual(await rows(), before);
		t.deepEqual(await remotes(), unmoved);
		await t.notThrowsAsync(ask());
		t.is(await heard(client), 0, "so there was nothing to record");
	},
);

bpfTest(
	"off the path: a forged ICMP error lowers a tunnel's path MTU, and large datagrams still get through",
	async (t) => {
		const { client, gateway } = site;
		const sent = datagram(end(GATEWAY), end(NODE), Buffer.alloc(600));
		const error = icmpError(sent, Address.of(CLIENT), 68);
		await client.run("perl", [
			path.join(import.meta.dirname, "fixtures/raw.pl"),
			error.toString("hex"),
		]);
		const { stdout } = await cli(
			gateway,
			`cli_tunnel get ${tunnelOf("tokens", victim)}`,
		);
		t.regex(stdout, /path MTU 576\n/);
		for (const mode of modes)
			await t.notThrowsAsync(
				askUdp(client, proxy, portOf(mode, victim), [500, 1400]),
			);
	},
);

bpfTest(
	"another tenant: its own service alone is read, forged, moved and replayed",
	async (t) => {
		const { gateway, other } = site;
		const before = await heard(other);
		await t.notThrowsAsync(ask());
		t.is(await heard(other), before, "nothing is read of the victim's");
		const outside = end(CLIENT, 5000);
		for (const mode of modes) {
			const own = backendOf(mode, tenant);
			const its = backendOf(mode, victim);
			const reply = packet(mode, tenant, own, outside);
			t.deepEqual(
				await during(
					gateway,
					[
						"decapsulated",
						"foreign-inner",
						mode === "tokens" ? "token" : "wrong-key",
						"inner-backend",
						"inner-local",
					],
					() =>
						exchange(
							other,
							[
								reply,
								reply,
								packet(mode, tenant, its, outside),
								packet(mode, tenant, its, outside, {
									sid: sidOf(mode, victim),
								}),
								packet(mode, tenant, own, its),
								packet(mode, tenant, own, end(GATEWAY, 22)),
							],
							end(GATEWAY),
						),
				),
				[2, 1, 1, 1, 1],
				mode,
			);
			// Open, with its key, signed, and with a challenge.
			t.deepEqual(
				await during(gateway, ["ping-open", "ping-tunnel"], async () => {
					const answers = await exchange(
						other,
						pings(mode, tenant, tunnelOf(mode, victim)),
						end(GATEWAY),
					);
					t.deepEqual(answers, []);
				}),
				[1, 3],
				mode,
			);
		}
		t.deepEqual(await remotes(), unmoved);
	},
);

bpfTest(
	"another tenant: all that it may send makes no table grow",
	async (t) => {
		const { gateway, other } = site;
		await cli(other, "cli_tunnel ping all --count 1");
		const before = await rows();
		const many = modes.flatMap((mode) =>
			Array.from({ length: 100 }, (_, i) =>
				packet(mode, tenant, backendOf(mode, tenant), end(CLIENT, 6000 + i)),
			).concat(
				Array.from({ length: 25 }, () =>
					pings(mode, tenant, tunnelOf(mode, tenant)),
				).flat(),
			),
		);
		const [decapsulated = 0] = await during(gateway, ["decapsulated"], () =>
			exchange(other, many, end(GATEWAY), 6081),
		);
		t.true(decapsulated >= 300);
		t.deepEqual(await rows(), before);
		await t.notThrowsAsync(ask());
	},
);

bpfTest(
	"a local user: reads no key and no packet, changes nothing, and forges as little as any host",
	async (t) => {
		const { gateway, node } = site;
		const pin = "/sys/fs/bpf/tc/globals/map_verify";
		const saved = path.join(ownDirectory(t), "services");
		await cli(gateway, `cli_service save --output ${saved}`);
		for (const [command, refusal] of [
			[`ls ${path.dirname(pin)}`, /Permission denied/],
			["bpftool map dump name map_verify", /not permitted/],
			[`cat ${saved}`, /Permission denied/],
			["tcpdump -c 1 -i wan", /permission/i],
			[`rm ${pin}`, /Permission denied/],
			["tc filter del dev wan ingress", /not permitted/],
			[`flock ${path.dirname(pin)} true`, /Permission denied/],
		] as const) {
			const { exitCode, stderr } = await asUser(gateway, command.split(" "));
			t.not(exitCode, 0, command);
			t.regex(stderr, refusal, command);
		}
		// From the gateway itself, and from the tunnel's own endpoint.
		for (const mode of modes) {
			const request = packet(
				mode,
				stranger,
				end(CLIENT, 5000),
				backendOf(mode, victim),
			);
			t.deepEqual(
				await during(
					node,
					[mode === "tokens" ? "token" : "wrong-key", "decapsulated"],
					() => sendAs(gateway, request, end(GATEWAY), end(NODE)),
				),
				[1, 0],
				mode,
			);
		}
		await t.notThrowsAsync(ask());
		// Any process may bind the endpoint's port, unless the host reserves it for root.
		await gateway.sysctl({ "net/ipv4/ip_unprivileged_port_start": 6081 });
		const { stderr } = await sendAs(
			gateway,
			Buffer.from("x"),
			end(GATEWAY),
			end(NODE),
			false,
		);
		t.regex(stderr, /bind: Permission denied/);
	},
);

/** Runs a command as a user without any rights. */
const asUser = (
	host: Host,
	argv: readonly string[],
	reject = false,
): Promise<Result> =>
	host.run(
		"setpriv",
		["--reuid", "65534", "--regid", "65534", "--clear-groups", ...argv],
		{ reject },
	);

/** Sends a datagram from an endpoint of the host, as a user without any rights. */
const sendAs = (
	host: Host,
	payload: Buffer,
	from: End,
	to: End,
	reject = true,
): Promise<Result> =>
	asUser(
		host,
		[
			...["perl", "-MSocket", "-e"],
			`my ($hex, @ends) = @ARGV;
			my ($from, $to) = map { pack_sockaddr_in($ends[2 * $_ + 1], inet_aton($ends[2 * $_])) } 0, 1;
			socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
			bind($socket, $from) or die "bind: $!";
			send($socket, pack("H*", $hex), 0, $to) or die "send: $!";`,
			payload.toString("hex"),
			...[from, to].flatMap(({ address, port }) => [`${address}`, `${port}`]),
		],
		reject,
	);
