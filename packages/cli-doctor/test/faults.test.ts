// Needs root: makes namespaces, attaches programs.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { needs, testWith } from "@sluice/testbed";
import type { Machine } from "@sluice/testbed/site";
import {
	GATEWAY,
	NAT,
	NODE,
	PING_INTERVAL,
	PROXY,
	Site,
	service,
} from "@sluice/testbed/site";
import test from "ava";

const serial = testWith(test.serial as typeof test, needs.root, needs.bpf);

const teardowns: (() => unknown)[] = [];
let common: Promise<Site> | undefined;
/** One for all: what a fault breaks is mended by its test. */
const shared = () => {
	common ??= Site.make((end) => teardowns.push(end));
	return common;
};
test.after.always(async () => {
	for (const end of teardowns) await end();
});

interface Fault {
	inject(site: Site): Promise<unknown>;
	/** What is found on each machine, among others; nothing where it is not visible there. */
	gateway?: readonly string[];
	node?: readonly string[];
	/** Runs cli_doctor otherwise, `%` being the command. */
	through?: string;
	/** What puts it right where a question is printed; otherwise the printed commands do. */
	mend?(site: Site): Promise<unknown>;
	/** On a site that no fault was on before: what mended those, a rule say, is not there. */
	fresh?: true;
	/** Takes back what the fault and its mending have changed, where that matters to others. */
	after?(site: Site): Promise<unknown>;
}

/** A fault stops the traffic, is found where it is visible, and is mended by what is printed there. */
function finds(title: string, fault: Fault): void {
	serial(title, async (t) => {
		if (fault.fresh) common = undefined;
		const site = await shared();
		t.true(await site.works(), "it works before");
		// A site on which something fails is not used again.
		const ours = common;
		common = undefined;
		await fault.inject(site);
		const all = [];
		for (const side of ["gateway", "node"] as const) {
			const machine: Machine = site[side];
			const expected = fault[side] ?? [];
			let findings: Awaited<ReturnType<Site["diagnose"]>> = [];
			let missing: readonly string[] = [];
			let looks = 0;
			// Again, because a counter rises only where a packet comes meanwhile.
			do {
				findings = await site.diagnose(machine, fault.through);
				const codes = new Set(findings.map(({ code }) => code));
				missing = expected.filter((code) => !codes.has(code));
			} while (missing.length > 0 && ++looks < 5);
			t.deepEqual(missing, [], `${side}: ${JSON.stringify(findings)}`);
			if (expected.length === 0) t.deepEqual(findings, [], side);
			for (const finding of findings)
				if (expected.includes(finding.code)) all.push({ machine, ...finding });
		}
		for (const { code, message, fix, question } of all)
			t.log(
				`${code}: ${message}\n\t${fix ? `mend: ${fix}` : `ask: ${question}`}`,
			);
		if (fault.mend) {
			t.true(all.some(({ question }) => question !== undefined));
			await fault.mend(site);
		} else {
			const fixes = all.flatMap(({ machine, fix }) =>
				fix ? [{ machine, fix }] : [],
			);
			t.true(fixes.length > 0, "a command is printed");
			for (const { machine, fix } of fixes) await machine.sh(fix);
		}
		t.true(await site.works(), "it works again");
		for (const { machine, code } of all) {
			const still = await machine.examine("%", 0.5);
			t.false(
				still.findings.some((finding) => finding.code === code),
				code,
			);
		}
		await fault.after?.(site);
		common = ours;
	});
}

serial("nothing is found where the tunnel works", async (t) => {
	const site = await shared();
	t.true(await site.works());
	t.deepEqual(await site.diagnose(site.gateway), []);
	t.deepEqual(await site.diagnose(site.node), []);
});

finds("another key on the gateway", {
	inject: ({ gateway }) => gateway.sh(service({ key: "open sesame" })),
	gateway: ["rising-wrong-key"],
	node: ["rising-wrong-key"],
	mend: ({ gateway }) => gateway.sh(service()),
});

finds("no ping", {
	inject: async (site) => {
		await site.stopPinging();
		await site.gateway.sh(
			`cli_tunnel set 100 ${GATEWAY} 6080 0 0 --reset-remote`,
		);
	},
	gateway: ["remote-unknown", "rising-no-remote"],
	node: ["pinger-missing"],
	mend: (site) => site.ping(),
});

finds("pings that have stopped, and a NAT that has forgotten the node", {
	inject: async (site) => {
		await site.stopPinging();
		await site.nat.run("nft", ["flush", "ruleset"]);
		await site.nat.run("nft", ["-f", "-"], {
			input:
				"table ip closed { chain forward { type filter hook forward priority 0; policy drop; }; }",
		});
		// Until three pings are missing, which is the limit.
		await sleep(3 * PING_INTERVAL * 1000);
	},
	through: `% --ping-interval ${PING_INTERVAL}`,
	gateway: ["ping-old"],
	node: ["pinger-missing"],
	mend: async (site) => {
		await site.nat.run("nft", ["flush", "ruleset"]);
		await site.nat.masquerade("eth0");
		await site.ping();
	},
});

finds("a narrow link on the way", {
	inject: async ({ internet, nat }) => {
		await internet.run("ip", ["link", "set", "nat", "mtu", "1400"]);
		await nat.run("ip", ["link", "set", "eth0", "mtu", "1400"]);
	},
	// The node's pings come from a socket, so its kernel stores the path MTU.
	gateway: ["path-mtu-small"],
	after: async ({ internet, nat, gateway }) => {
		await internet.run("ip", ["link", "set", "nat", "mtu", "1500"]);
		await nat.run("ip", ["link", "set", "eth0", "mtu", "1500"]);
		await gateway.sh(`ip route del ${NAT}/32`);
	},
});

finds("no default route on the gateway", {
	inject: ({ gateway }) => gateway.sh("ip route del default"),
	gateway: ["route-missing", "backend-no-route"],
	mend: ({ gateway }) =>
		gateway.sh("ip route replace default via 203.0.113.1 dev eth0"),
});

finds("a routing rule that stops what the gateway forwards", {
	inject: ({ gateway }) =>
		gateway.sh(`ip rule add iif eth0 to ${NODE} priority 100 unreachable`),
	gateway: ["backend-not-forwarded"],
	mend: ({ gateway }) => gateway.sh("ip rule del priority 100"),
});

finds("a strict rp_filter without a route back", {
	inject: ({ node }) =>
		node.sh(`ip route replace ${GATEWAY}/32 via 192.168.7.1
			ip route del default
			sysctl -qw net.ipv4.conf.eth0.rp_filter=1`),
	node: ["rp-filter"],
	mend: ({ node }) =>
		node.sh("ip route replace default via 192.168.7.1 dev eth0"),
});

finds("a program that is detached", {
	inject: ({ gateway }) => gateway.sh("detach_tc.sh eth0"),
	gateway: ["program-missing"],
});

finds("no config row for ingress", {
	inject: ({ gateway }) => gateway.sh("cli_cfg del 0"),
	gateway: ["config-missing"],
});

finds("service and group id swapped", {
	inject: ({ gateway }) =>
		gateway.sh(`cli_service del 1 2; ${service({ sid: "2 1" })}`),
	gateway: ["rising-unknown-service"],
	node: ["rising-unknown-service"],
	mend: ({ gateway }) => gateway.sh(`cli_service del 2 1; ${service()}`),
});

finds("no server on the backend's port", {
	inject: (site) => site.stopServing(),
	node: ["backend-not-listening"],
	mend: (site) => site.serve(),
});

finds("a server that listens on another address", {
	inject: (site) => site.serve("127.0.0.1"),
	node: ["backend-other-address"],
	mend: (site) => site.serve(),
});

finds("another backend port on the gateway", {
	inject: ({ gateway }) => gateway.sh(service({ backend: `${NODE} 8081` })),
	node: ["rising-foreign-inner"],
	mend: ({ gateway }) => gateway.sh(service()),
});

const signed = (key: string) =>
	`cli_service set --signing-key ${key} 1 2 tcp ${PROXY} 80 ${NODE} 8080 100`;

finds("another signing key on the gateway", {
	inject: async ({ gateway, node }) => {
		await gateway.sh(signed("one"));
		await node.sh(signed("another"));
	},
	gateway: ["rising-ping-mac"],
	node: ["ping-unanswered"],
	mend: ({ node }) => node.sh(signed("one")),
	after: ({ gateway, node }) =>
		Promise.all(
			[gateway, node].map((one) => one.sh(`cli_service del 1 2; ${service()}`)),
		),
});

const rules = (hook: string, more = "") =>
	`nft 'table inet filter { chain ${hook} { type filter hook ${hook} priority 0; policy drop; ct state established,related accept; udp dport 6080 accept; icmp type echo-request accept; iifname lo accept; tcp dport 22 accept; ${more} }; }'`;

finds("a firewall on the node", {
	inject: ({ node }) => node.sh(rules("input")),
	node: ["firewall-drops"],
});

finds("a firewall on the gateway", {
	inject: ({ gateway }) => gateway.sh(rules("forward", "tcp dport 80 accept;")),
	gateway: ["firewall-drops"],
});

finds(
	"a firewall on the gateway that drops what conntrack calls invalid, with DSO",
	{
		fresh: true,
		inject: async ({ client, gateway, node, nat }) => {
			// Answers have the proxy's address, which the NAT leaves as it is.
			await nat.run("nft", ["flush", "ruleset"]);
			await nat.run("nft", ["-f", "-"], {
				input: `table ip nat { chain postrouting { type nat hook postrouting priority srcnat; oifname "eth0" ip saddr ${NODE} masquerade; }; }`,
			});
			// The gateway then sees the requests alone.
			await node.sh("cli_cfg set 1 2 snat,fib node");
			// Counters of answers begin again.
			await gateway.sh(`cli_service del 1 2; ${service()}
			nft 'table inet filter { chain forward { type filter hook forward priority 0; ct state invalid drop; }; }'`);
			// A flow is one-way when a request has gone.
			await client.run("curl", ["-s", "--max-time", "1", `http://${PROXY}/`], {
				reject: false,
			});
		},
		gateway: ["firewall-drops"],
		after: ({ gateway, node }) =>
			Promise.all([
				gateway.sh("nft delete table inet filter"),
				node.sh("cli_cfg set 1 2 fib node"),
			]),
	},
);

serial(
	"an IPsec policy that covers a tunnel is found, and one that leaves it out is not",
	async (t) => {
		const site = await shared();
		const { gateway } = site;
		await gateway.sh(
			`ip xfrm policy add src ${GATEWAY} dst 198.51.100.0/24 dir out priority 100 tmpl src ${GATEWAY} dst ${NAT} proto esp mode transport`,
		);
		const codes = async () =>
			(await gateway.examine()).findings
				.filter(({ code }) => code === "ipsec-policy")
				.map(({ question }) => question);
		const [question = ""] = await codes();
		const [, command = ""] = /(ip xfrm policy add .*)$/.exec(question) ?? [];
		t.regex(command, /proto udp dir out priority 1 action allow$/);
		await gateway.sh(command);
		t.deepEqual(await codes(), []);
		await gateway.sh("ip xfrm policy flush");
		// A policy between others is none of ours.
		await gateway.sh(
			"ip xfrm policy add src 10.9.0.0/16 dst 10.8.0.0/16 dir out tmpl src 10.9.0.1 dst 10.8.0.1 proto esp mode tunnel",
		);
		t.deepEqual(await codes(), []);
		await gateway.sh("ip xfrm policy flush");
		t.true(await site.works());
	},
);

finds("ip_forward off", {
	inject: ({ gateway }) => gateway.sh("sysctl -qw net.ipv4.ip_forward=0"),
	gateway: ["forwarding-ipv4"],
});

finds("a service whose tunnel is not set", {
	inject: ({ gateway }) => gateway.sh(service({ tunnel: "101" })),
	gateway: ["service-no-tunnel", "rising-no-tunnel"],
	mend: ({ gateway }) => gateway.sh(service()),
});

serial("the build for Ethernet on a device without it is found", async (t) => {
	const { gateway } = await shared();
	const object = join(
		import.meta.dirname,
		"../../../bpf/dist/pfc_ingress_tc.o",
	);
	await gateway.sh(`ip tuntap add name tun9 mode tun
		ip link set tun9 up
		tc qdisc add dev tun9 clsact
		tc filter add dev tun9 ingress pref 7717 handle 1 bpf direct-action object-file ${object} section tc`);
	const found = async () =>
		(await gateway.examine("%", 0.5)).findings.find(
			({ code }) => code === "program-link-type",
		);
	const finding = await found();
	t.regex(finding?.message ?? "", /^pfc_ingress_tc\.o is on tun9 ingress/);
	await gateway.sh(finding?.fix as string);
	t.is(await found(), undefined);
	await gateway.sh("ip link del tun9");
});

serial(
	"the chains of the gateway's firewall that the fast path does not pass are found",
	async (t) => {
		const site = await shared();
		const { gateway } = site;
		const found = async () =>
			(await gateway.examine()).findings.filter(
				({ code }) => code === "fast-firewall",
			);
		/** Applies the command that is printed for the one chain. */
		const mends = async (chain: string, command: string) => {
			t.true(await site.works());
			const [one, ...others] = await found();
			t.deepEqual(others, []);
			t.true(one?.message.endsWith(` do not pass: ${chain}`), one?.message);
			t.is(one?.question?.match(/(cli_cfg .*)/)?.[1], command);
			await gateway.sh(command);
			t.deepEqual(await found(), []);
			t.true(await site.works());
		};

		await gateway.sh(`cli_cfg set 0 1 gue,dnat,fast gateway
			nft 'table ip watch { chain seen { type filter hook forward priority 0; tcp dport 8080 counter; }; }'`);
		await mends("ip watch seen", "cli_cfg set 0 -fast");

		await gateway.sh(`nft delete table ip watch
			cli_cfg set eth0 0 1 gue,dnat,fast gateway
			cli_cfg set lo 0 1 gue,dnat,fast gateway
			nft 'table netdev watch { chain seen { type filter hook ingress device eth0 priority 0; counter; }; }'
			mount --bind /bin/false $(command -v nft)`);
		const { skipped } = await gateway.examine();
		await gateway.sh("umount $(command -v nft)");
		t.deepEqual(
			(await found())
				.map(({ question }) => question?.match(/cli_cfg .*/)?.[0])
				.sort(),
			["cli_cfg set eth0 0 -fast", "cli_cfg set lo 0 -fast"],
		);
		await gateway.sh("cli_cfg del lo 0");
		t.deepEqual(
			skipped.filter(({ check }) => check === "fast path"),
			[{ check: "fast path", reason: "no nft" }],
		);
		await mends("netdev watch seen", "cli_cfg set eth0 0 -fast");
		await gateway.sh(`cli_cfg del eth0 0
			nft delete table netdev watch`);
	},
);

serial("a proxy address that is not routed here is not visible", async (t) => {
	const site = await shared();
	await site.internet.run("ip", ["route", "del", `${PROXY}/32`]);
	t.deepEqual(await site.diagnose(site.gateway), []);
	t.deepEqual(await site.diagnose(site.node), []);
	// As the manual says: it is visible on the router before the gateway.
	const { stdout } = await site.internet.run("ip", ["route", "get", PROXY]);
	t.notRegex(stdout, new RegExp(`via ${GATEWAY} `));
	await site.internet.route(`${PROXY}/32`, GATEWAY);
	t.true(await site.works());
});
