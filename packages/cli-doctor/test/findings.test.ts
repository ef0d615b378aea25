// Needs root: makes namespaces, attaches programs.
import path from "node:path";
import { needs, testWith } from "@sluice/testbed";
import { type Machine, machine } from "@sluice/testbed/site";
import test from "ava";

const serial = testWith(test.serial as typeof test, needs.root, needs.bpf);

interface Provoked {
	/** A machine of its own, on which our programs are not attached, or are. */
	own?: "bare" | "attached";
	/** How to get there, for a shell; at the peer for `peer`. */
	provoke: string;
	code: string;
	message: string | RegExp;
	fix?: string;
}

/** Something is wrong with a machine; the command that is printed mends it. */
function finds(title: string, expected: Provoked): void {
	serial(title, async (t) => {
		const one = expected.own
			? await machine(t, expected.own === "attached")
			: await shared();
		await one.sh(expected.provoke);
		const findings = await found(one, expected.code);
		t.is(findings.length, 1, JSON.stringify(findings));
		const message = findings[0]?.message ?? "";
		if (typeof expected.message === "string") t.is(message, expected.message);
		else t.regex(message, expected.message);
		if (expected.fix) t.is(findings[0]?.fix, expected.fix);
		for (const { fix } of findings) if (fix) await one.sh(fix, "", false);
		t.deepEqual(await found(one, expected.code), []);
	});
}

const teardowns: (() => unknown)[] = [];
test.after.always(async () => {
	for (const teardown of teardowns) await teardown();
});
let common: Promise<Machine> | undefined;

/** The machine for what leaves no more behind than rows of tables, which are gone the next time. */
async function shared(): Promise<Machine> {
	common ??= machine({ teardown: (close) => teardowns.push(close) });
	const one = await common;
	await one.sh("cli_service del all; cli_tunnel del all; cli_cfg del all");
	return one;
}

const found = async (one: Machine, code: string) =>
	(await one.examine()).findings.filter((finding) => finding.code === code);

/** A tunnel to the peer, and a service in it. */
const tunnel = "cli_tunnel set 1 10.0.0.1 6080 10.0.0.2 6080";
const service =
	"cli_service set 1 1 tcp 10.0.0.1 80 10.0.0.2 8080 1 0123456789abcdef";
const gateway = `${tunnel} && ${service} && cli_cfg set 1 1 proxy,snat gateway`;

serial("where nothing is wrong nothing is found", async (t) => {
	const one = await machine(t);
	const { findings, skipped } = await one.examine();
	t.deepEqual({ findings, skipped }, { findings: [], skipped: [] });
	const { stdout, stderr } = await one.sh("cli_doctor --seconds 0.01");
	t.deepEqual([stdout, stderr], ["33 checks, 0 findings", ""]);
});

finds("a bpffs that is not mounted is found and mounted", {
	own: "bare",
	// The machine's own is below the host's.
	provoke: "while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done",
	code: "bpffs-missing",
	message: "there is no bpffs at /sys/fs/bpf, where the tables would be pinned",
	fix: "mount -t bpf -o mode=0700 bpf /sys/fs/bpf",
});

finds("tables that are not pinned are found and pinned", {
	own: "bare",
	provoke: "true",
	code: "tables-missing",
	message: "no tables are pinned in /sys/fs/bpf/tc/globals",
	fix: "attach_tc.sh eth0",
});

finds("a hook whose program is missing is found and attached to", {
	provoke: "cli_cfg set eth0 0 1 gue here && detach_tc.sh eth0 ingress",
	code: "program-missing",
	message:
		"there is a config row for eth0 ingress, but no program of ours on it",
	fix: "attach_tc.sh eth0 ingress",
});

finds("a direction that no interface has a program for is found", {
	provoke: "cli_cfg set 1 1 proxy here && detach_tc.sh eth0 egress",
	code: "program-missing",
	message: "there is a config row for egress, but no interface has our program",
	fix: "attach_tc.sh eth0 egress",
});

finds("a second program of ours on a hook is found and removed", {
	provoke:
		"tc filter add dev eth0 ingress pref 9000 handle 3 protocol all bpf da obj $(dirname $(readlink -f $(command -v attach_tc.sh)))/../bpf/dist/pfc_ingress_tc.o sec tc",
	code: "program-duplicate",
	message: /^programs \d+ and \d+ on eth0 ingress are both ours$/,
	fix: "tc filter del dev eth0 ingress chain 0 pref 9000 protocol all handle 0x3 bpf",
});

/** Attaches one more program of ours to eth0 ingress by tcx, as the scripts never do. */
const oneMore = `cli_tables load $(dirname $(readlink -f $(command -v attach_tc.sh)))/../bpf/dist/pfc_ingress_tc.o /sys/fs/bpf/more && ${process.execPath} --import=${import.meta.resolve("tsx")} ${path.join(import.meta.dirname, "fixtures/attach-tcx.ts")} /sys/fs/bpf/more && rm /sys/fs/bpf/more`;

serial(
	"a second program of ours on a tcx hook is found and removed",
	async (t) => {
		const one = await machine(t);
		const { exitCode, stderr } = await one.sh(
			"attach_tc.sh eth0 --tcx",
			"",
			false,
		);
		if (exitCode !== 0) {
			const none =
				"the kernel has no tcx; Linux 6.6 and later have it; attach without --tcx";
			t.is(stderr, `attach_tc.sh: ${none}`);
			return;
		}
		t.deepEqual((await one.examine()).findings, []);
		const hooks = async () => (await one.sh("cli_tables hooks")).stdout;
		const before = await hooks();
		for (const [provoke, fix] of [
			[
				"tc filter add dev eth0 egress pref 9000 handle 3 protocol all bpf da obj $(dirname $(readlink -f $(command -v attach_tc.sh)))/../bpf/dist/pfc_egress_tc.o sec tc",
				/^tc filter del dev eth0 egress chain 0 pref 9000 protocol all handle 0x3 bpf$/,
			],
			[oneMore, /^cli_tables detach eth0 ingress \d+$/],
		] as const) {
			await one.sh(provoke);
			const [finding, ...others] = await found(one, "program-duplicate");
			t.deepEqual(others, []);
			t.regex(
				finding?.message ?? "",
				/^programs \d+ and \d+ on eth0 (in|e)gress are both ours$/,
			);
			t.regex(finding?.fix ?? "", fix);
			await one.sh(finding?.fix ?? "false");
			t.deepEqual(await found(one, "program-duplicate"), []);
			t.is(await hooks(), before);
		}
	},
);

serial(
	"programs with other tables than the pinned ones are found",
	async (t) => {
		const one = await machine(t);
		await one.sh(
			`rm -r /sys/fs/bpf/tc
		ip link add other type veth peer name rehto
		tc qdisc add dev other clsact
		tc filter add dev other ingress pref 7717 handle 1 protocol all bpf da obj $(dirname $(readlink -f $(command -v attach_tc.sh)))/../bpf/dist/pfc_ingress_tc.o sec tc`,
		);
		const [ingress, egress, ...others] = await found(one, "tables-split");
		t.regex(
			ingress?.message ?? "",
			/^program \d+ on eth0 ingress has tables of its own in place of the pinned ones: map_/,
		);
		t.is(
			ingress?.question,
			"which entries are meant? the pinned ones: reattach_tc.sh eth0 ingress --drop-live; the program's: rm -r /sys/fs/bpf/tc/globals && reattach_tc.sh eth0 ingress",
		);
		t.regex(egress?.message ?? "", / on eth0 egress /);
		t.deepEqual(others, []);
	},
);

finds("rows of an interface that is gone are found and deleted", {
	provoke:
		"ip link add name gone index 77 type veth && attach_tc.sh gone ingress && cli_cfg set gone 0 1 gue x && ip link del gone",
	code: "interface-gone",
	message: "there are config rows for interface 77, which is gone",
	fix: "cli_cfg del if77",
});

finds("a local endpoint that is not here is found and added", {
	provoke: "cli_tunnel set 1 10.9.9.9 6080 0 0",
	code: "local-address-missing",
	message: "10.9.9.9, the local address of tunnel 1, is not this machine's",
	fix: "ip address add 10.9.9.9/32 dev eth0",
});

finds("a gateway that does not pass IPv4 on is found and mended", {
	provoke: gateway,
	code: "forwarding-ipv4",
	message:
		"IPv4 packets of services are to be passed on, but net.ipv4.ip_forward is 0",
	fix: "sysctl -w net.ipv4.ip_forward=1",
});

finds("a node that does not pass IPv6 on to its backend is found and mended", {
	provoke: `${tunnel} && cli_service set 1 1 tcp fd00::9 80 fd00::2 8080 1 key`,
	code: "forwarding-ipv6",
	message:
		"IPv6 packets of services are to be passed on, but net.ipv6.conf.all.forwarding is 0",
	fix: "sysctl -w net.ipv6.conf.all.forwarding=1",
});

finds("a strict rp_filter is found, also where it is that of all interfaces", {
	provoke: `ip link add name wan type veth peer name naw && ip link set wan up && ip link set naw up && ip route add 10.7.0.0/16 dev wan && ${tunnel} && cli_service set 1 1 tcp 10.0.0.1 80 10.7.0.1 80 1 key && cli_cfg set 1 1 proxy x && sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth0.rp_filter=0`,
	code: "rp-filter",
	message:
		"rp_filter is strict on eth0: it drops what the tunnel brings from backend 10.7.0.1, which is not reached by eth0",
	fix: "sysctl -w net/ipv4/conf/eth0/rp_filter=2",
});

finds("a node's strict rp_filter is found where clients are not reached so", {
	own: "attached",
	provoke:
		"ip link add name wan type veth peer name naw && ip link set wan up && ip link set naw up && ip route add default dev wan && sysctl -qw net.ipv4.conf.eth0.rp_filter=1",
	code: "rp-filter",
	message:
		"rp_filter is strict on eth0: it drops what the tunnel brings from clients, which is not reached by eth0",
	fix: "sysctl -w net/ipv4/conf/eth0/rp_filter=2",
});

finds("a remote on a link that has lost its route is found and routed", {
	own: "attached",
	provoke: `${tunnel} && ip route del 10.0.0.0/24 dev eth0`,
	code: "route-missing",
	message:
		"no route to 10.0.0.2, the remote of tunnel 1: Network is unreachable",
	fix: "ip route replace 10.0.0.2/32 dev eth0",
});

serial("which router leads to a remote is asked", async (t) => {
	const one = await shared();
	await one.sh("cli_tunnel set 1 10.0.0.1 6080 192.0.2.1 6080");
	t.deepEqual(await found(one, "route-missing"), [
		{
			code: "route-missing",
			message:
				"no route to 192.0.2.1, the remote of tunnel 1: Network is unreachable",
			question:
				"which router leads there? ip route replace default via ROUTER dev eth0",
		},
	]);
});

finds("a bpffs that is mounted read-only is found and mounted again", {
	own: "attached",
	provoke: "mount -o remount,ro /sys/fs/bpf",
	code: "bpffs-read-only",
	message:
		"the bpffs at /sys/fs/bpf is mounted read-only: nothing can be pinned there",
	fix: "mount -o remount,rw /sys/fs/bpf",
});

finds("pins of another user are found and taken back", {
	own: "attached",
	provoke: "chown 65534 /sys/fs/bpf/tc/globals",
	code: "pins-foreign",
	message:
		"/sys/fs/bpf/tc/globals belongs to user 65534, who can replace the tables",
	fix: "chown -R 0:0 /sys/fs/bpf/tc/globals",
});

finds("a directory of pins that others can write to is found and closed", {
	own: "attached",
	provoke: "chmod 0777 /sys/fs/bpf/tc/globals",
	code: "pins-writable",
	message:
		"/sys/fs/bpf/tc/globals is writable by others, who can put tables of theirs in the place of ours",
	fix: "chmod go-w /sys/fs/bpf/tc/globals",
});

finds("a bpffs that all users can write to is found and closed", {
	own: "attached",
	provoke: "chmod 1777 /sys/fs/bpf",
	code: "pins-writable",
	message:
		"/sys/fs/bpf is writable by others, who can put tables of theirs in the place of ours",
	fix: "chmod go-w /sys/fs/bpf",
});

finds("a /proc that is not mounted is found and mounted", {
	own: "attached",
	provoke: "umount -R -l /proc",
	code: "proc-missing",
	message:
		"/proc is not mounted: rights, kernel parameters and listening sockets cannot be looked at",
	fix: "mount -t proc proc /proc",
});

finds("an interface that leads to a remote without the program is found", {
	own: "attached",
	provoke:
		"ip link add name wan type veth peer name naw && ip link set wan up && ip link set naw up && ip address add 10.7.0.1/24 dev wan && cli_cfg set 0 1 gue x && cli_tunnel set 7 10.7.0.1 6080 10.7.0.2 6080",
	code: "program-missing",
	message:
		"wan leads to 10.7.0.2, the remote of tunnel 7, but our program is not on its ingress",
	fix: "attach_tc.sh wan ingress",
});

finds("a backend that is taken for a silent neighbour is found and routed", {
	own: "attached",
	provoke: `${tunnel} && cli_service set 1 1 tcp 10.0.0.1 80 10.0.0.77 80 1 key && cli_cfg set 1 1 proxy,fib x && ip route add default via 10.0.0.2`,
	code: "backend-on-link",
	message:
		"tcp 10.0.0.77:80, the backend of service 1 1, is routed as a neighbour on eth0, and does not answer there: packets to it wait for its link address and never reach our program",
	fix: "ip route replace 10.0.0.77/32 via 10.0.0.2 dev eth0",
});

finds("a neighbour that does not answer is found and asked again", {
	provoke: `${tunnel} && ip neigh replace 10.0.0.2 dev eth0 nud failed`,
	code: "neighbour-failed",
	message:
		"10.0.0.2 on eth0, next on the way to the remote of tunnel 1, does not answer",
	fix: "ip neigh flush to 10.0.0.2 dev eth0 && ping -c 1 -W 2 -I eth0 10.0.0.2",
});

finds("a link too small for the tunnel is found and made larger", {
	provoke: `${tunnel} && ip link set eth0 mtu 1300`,
	code: "mtu-small",
	message:
		"packets to 10.0.0.2, the remote of tunnel 1, may have 1300 bytes; the tunnel takes 1332",
	fix: "ip link set dev eth0 mtu 1500",
});

finds("a route whose MTU is too small is found and replaced", {
	provoke: `${tunnel} && ip route add 10.0.0.2/32 dev eth0 mtu 1200`,
	code: "mtu-small",
	message:
		"packets to 10.0.0.2, the remote of tunnel 1, may have 1200 bytes; the tunnel takes 1332",
	fix: "ip route flush cache && ip route replace 10.0.0.2/32 dev eth0",
});

finds("a config table full of interfaces that are gone is found and emptied", {
	// Every row of 3400 interfaces: id 1, flag gue.
	provoke: `zeros=$(printf ' 00%.0s' $(seq 32))
		for i in $(seq 1000 4399); do
			printf 'map update pinned /sys/fs/bpf/tc/globals/map_config key hex %02x %02x 00 00 00 00 00 00 value hex 01 00 00 00 01 00 00 00' $((i % 256)) $((i / 256))
			echo "$zeros"
		done | bpftool batch file - >/dev/null`,
	code: "table-full",
	message: "map_config is 83 % full: 3400 of 4096 entries",
});

finds("a table that is nearly full is found and made anew with its entries", {
	own: "bare",
	provoke: `make -s -C $(dirname $(readlink -f $(command -v attach_tc.sh)))/../bpf TABLE_ENTRIES=8 dist/pfc_ingress_tc.o dist/pfc_egress_tc.o && attach_tc.sh eth0 && cli_cfg set 1 1 proxy x && for i in 1 2 3 4 5 6 7; do cli_tunnel set $i 10.0.0.1 6080 10.0.0.2 608$i; done`,
	code: "table-full",
	message: "map_tunnel is 87 % full: 7 of 8 entries",
});

serial("a backend that is the gateway's own address is found", async (t) => {
	const one = await shared();
	await one.sh(`${gateway} && cli_cfg set 0 1 gue,dnat gateway
		cli_service set 1 1 tcp 10.0.0.9 80 10.0.0.1 8080 1 0123456789abcdef`);
	const [finding] = await found(one, "backend-local");
	t.is(
		finding?.message,
		"tcp 10.0.0.1:8080, the backend of service 1 1, is an address of this gateway: packets to it do not leave",
	);
	t.is(finding?.question, "which machine has it? ip address show to 10.0.0.1");
	await one.sh(service);
	t.deepEqual(await found(one, "backend-local"), []);
});
