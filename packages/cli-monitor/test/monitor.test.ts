// Needs root: makes namespaces, attaches programs.
import { setTimeout as sleep } from "node:timers/promises";
import { needs, testWith } from "@sluice/testbed";
import {
	GATEWAY,
	type Machine,
	NODE,
	PROXY,
	type Site,
	service,
	sharedSite,
} from "@sluice/testbed/site";
import test from "ava";

const serial = testWith(test.serial as typeof test, needs.root, needs.bpf);

const shared = sharedSite(test);

/** A client asks once; nothing is waited for. */
const ask = ({ client }: Site) =>
	client.run(
		"curl",
		["-s", "--max-time", "0.2", "-o", "/dev/null", `http://${PROXY}/`],
		{ reject: false },
	);

/** Runs the monitor while a client sends, until it ends. @returns what it printed */
async function monitor(
	site: Site,
	machine: Machine,
	words: string,
	send: (site: Site) => Promise<unknown> = ask,
) {
	const running = machine.host.spawn("sh", [
		"-c",
		`PATH=${machine.bin}:$PATH; exec cli_monitor ${words}`,
	]);
	let isOver = false;
	const ended = running.ended.then((end) => {
		isOver = true;
		return end;
	});
	while (!isOver) await send(site);
	const { exitCode } = await ended;
	return { code: exitCode, out: running.stdout, err: running.stderr };
}

/** Sends a datagram that must not be fragmented. @param payload of Python */
const sendUdp = (
	client: Site["client"],
	to: string,
	port: number,
	payload: string,
) =>
	client.run(
		"python3",
		[
			"-c",
			`import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(0, 10, 2); s.sendto(${payload}, ("${to}", ${port}))`,
		],
		{ reject: false },
	);

interface Cause {
	on: "gateway" | "node";
	break: string | ((site: Site) => Promise<unknown>);
	mend: string | ((site: Site) => Promise<unknown>);
	/** by, reason, direction */
	shows: readonly [string, string, string];
}

const causes: Readonly<Record<string, Cause>> = {
	"a wrong key": {
		on: "node",
		break: ({ gateway }) => gateway.sh(service({ key: "open sesame" })),
		mend: ({ gateway }) => gateway.sh(service()),
		shows: ["tunnel", "wrong-key", "ingress"],
	},
	"a tunnel without a remote": {
		on: "gateway",
		break: async (site) => {
			await site.stopPinging();
			await site.gateway.sh(
				"cli_tunnel set 100 203.0.113.2 6080 0 0 --reset-remote",
			);
		},
		mend: (site) => site.ping(),
		shows: ["tunnel", "no-remote", "egress"],
	},
	"a port without a listener": {
		on: "node",
		break: (site) => site.stopServing(),
		mend: (site) => site.serve(),
		shows: ["kernel", "NO_SOCKET", "ingress"],
	},
	"a firewall": {
		on: "node",
		break:
			"nft add table inet f; nft add chain inet f input '{ type filter hook input priority 0; }'; nft add rule inet f input tcp dport 8080 drop",
		mend: "nft delete table inet f",
		shows: ["kernel", "NETFILTER_DROP", "ingress"],
	},
	rp_filter: {
		on: "node",
		break:
			"sysctl -qw net.ipv4.conf.eth0.rp_filter=1; ip route del default; ip route add 203.0.113.0/24 via 192.168.7.1",
		mend: "sysctl -qw net.ipv4.conf.eth0.rp_filter=0; ip route add default via 192.168.7.1",
		shows: ["kernel", "IP_RPFILTER", "ingress"],
	},
	"a martian source": {
		on: "node",
		break: "ip address add 192.0.2.2/32 dev lo",
		mend: "ip address del 192.0.2.2/32 dev lo",
		shows: ["kernel", "IP_LOCAL_SOURCE", "ingress"],
	},
	"no route": {
		on: "gateway",
		break: "ip route del default",
		mend: "ip route add default via 203.0.113.1",
		shows: ["kernel", "IP_INNOROUTES", "ingress"],
	},
};

for (const [title, { on, mend, shows, ...cause }] of Object.entries(causes))
	serial(
		`a packet dropped for ${title} is shown with the reason`,
		async (t) => {
			const site = await shared();
			const act = (what: Cause["break"]) =>
				typeof what === "string" ? site[on].sh(what) : what(site);
			await act(cause.break);
			const { code, out } = await monitor(
				site,
				site[on],
				`--json --count 1 --service 1,2 --tunnel 100 --client 192.0.2.2 --direction ${shows[2]} --reason ${shows[1].toLowerCase()}`,
			);
			await act(mend);
			t.is(code, 0);
			const { by, reason, direction, client, layers, ...drop } =
				JSON.parse(out);
			t.deepEqual([by, reason, direction], [...shows]);
			t.deepEqual(
				[drop.service, drop.group, drop.tunnel, drop.interface],
				[1, 2, 100, "eth0"],
			);
			t.is(client, "192.0.2.2");
			t.regex(JSON.stringify(layers), /"source":"192\.0\.2\.2"/);
			t.true(await site.works());
		},
	);

serial(
	"text has a line for each packet, and each reason explained once",
	async (t) => {
		const site = await shared();
		await site.gateway.sh(service({ key: "open sesame" }));
		const { out, err } = await monitor(site, site.node, "--count 2");
		await site.gateway.sh(service());
		const line =
			"DROP\t\\d\\d:\\d\\d:\\d\\d\\.\\d{6}\teth0\tIngress\ttunnel\twrong-key\t1 2\t100\t192.0.2.2\t112\t203.0.113.2:6080 > 192.168.7.2:6080 udp 84 bytes \\| gue service 1 2 \\| 192.0.2.2:\\d+ > 192.168.7.2:8080 tcp S 0 bytes mss 1408\n";
		t.regex(out, new RegExp(`^(${line}){2}$`));
		t.is(
			err,
			"cli_monitor: watching\ncli_monitor: wrong-key: the key is not the service's\ncli_monitor: 2 shown\n",
		);
	},
);

serial(
	"what is above the rate is counted, and nothing stays loaded",
	async (t) => {
		const site = await shared();
		await site.gateway.sh(service({ key: "open sesame" }));
		/** Ids of the programs of all monitors on this machine. */
		const loaded = async () => {
			const { stdout } = await site.node.host.run("bpftool", ["prog", "show"]);
			const found = stdout.matchAll(/^(\d+): \w+ +name drop_monitor /gm);
			return [...found].map(([, id]) => id);
		};
		const others = await loaded();
		const running = site.node.host.spawn("sh", [
			"-c",
			`PATH=${site.node.bin}:$PATH; exec cli_monitor --rate 1`,
		]);
		await running.ready(/watching/, "stderr");
		const isMissed = () => /\d more, above the rate/.test(running.stderr);
		while (!isMissed())
			await Promise.all([ask(site), ask(site), ask(site), ask(site)]);
		const own = (await loaded()).find((id) => !others.includes(id));
		t.truthy(own);
		await running.stop("SIGINT");
		await site.gateway.sh(service());
		t.is((await running.ended).exitCode, 0);
		// The kernel frees it some time after the process has ended.
		while ((await loaded()).includes(own)) await sleep(50);
	},
);

serial("a capture has the packets with their reasons", async (t) => {
	const site = await shared();
	await site.gateway.sh(service({ key: "open sesame" }));
	const file = `/tmp/drops-${process.pid}.pcapng`;
	await monitor(site, site.node, `--count 2 --write ${file}`);
	await site.gateway.sh(service());
	const { stdout } = await site.node.host.run("tshark", [
		...["-r", file, "-T", "fields", "-E", "separator=|"],
		...["-e", "frame.interface_name", "-e", "frame.comment", "-e", "ip.dst"],
	]);
	await site.node.sh(`rm ${file}`);
	t.is(stdout, "eth0|wrong-key|192.168.7.2\neth0|wrong-key|192.168.7.2");
});

serial(
	"a packet that is too big, and answered with ICMP, is counted",
	async (t) => {
		const site = await shared();
		await site.gateway.sh(
			`cli_service set 1 3 udp ${PROXY} 53 ${NODE} 53 100 another`,
		);
		// The answers are packets of the kernel's own: what drops them is not the program. One that arrived would keep the client
		// from sending more.
		await site.gateway.sh(
			"nft add table ip f; nft add chain ip f forward '{ type filter hook forward priority 0; }'; nft add rule ip f forward icmp type destination-unreachable drop",
		);
		const running = site.gateway.host.spawn("sh", [
			"-c",
			`PATH=${site.gateway.bin}:$PATH; exec cli_monitor`,
		]);
		await running.ready(/watching/, "stderr");
		while (!/\d more, too-big/.test(running.stderr)) await sendTooBig(site);
		await running.stop();
		t.is((await running.ended).exitCode, 0);
		const { out } = await monitor(
			site,
			site.gateway,
			"--json --count 1 --service 1,3",
			sendTooBig,
		);
		await site.gateway.sh("nft delete table ip f; cli_service del 1 3");
		const { by, reason } = JSON.parse(out);
		t.deepEqual([by, reason], ["kernel", "NETFILTER_DROP"]);
	},
);

const sendTooBig = ({ client }: Site) =>
	sendUdp(client, PROXY, 53, 'b"x" * 1460');

serial("an open ping is shown with its tunnel, and no service", async (t) => {
	const site = await shared();
	const { out } = await monitor(
		site,
		site.gateway,
		"--json --count 1 --tunnel 100 --reason ping-open",
		({ client }) =>
			sendUdp(client, GATEWAY, 6080, 'bytes.fromhex("2101000000000064")'),
	);
	const { service, group, tunnel } = JSON.parse(out);
	t.deepEqual([service, group, tunnel], [null, null, 100]);
});

serial(
	"a reason that there is not is refused, and so are tables that are not there",
	async (t) => {
		const { node } = await shared();
		const refused = await node.sh("cli_monitor --reason no-such", "", false);
		t.is(refused.exitCode, 2);
		t.is(
			refused.stderr,
			'cli_monitor: reason must be one of gue-version, gue-header, gue-length …, got "no-such"; see cli_cfg stats --all',
		);
		const none = await node.sh("cli_monitor --bpffs /tmp", "", false);
		t.is(none.exitCode, 4);
		t.regex(none.stderr, /no pinned tables|no bpffs/);
	},
);
