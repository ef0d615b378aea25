// Needs root: makes namespaces, takes rights away.
import path from "node:path";
import { needs, testWith } from "@sluice/testbed";
import { type Machine, machine } from "@sluice/testbed/site";
import test from "ava";

const serial = testWith(test.serial as typeof test, needs.root, needs.bpf);
const fixture = (name: string) =>
	path.join(import.meta.dirname, "fixtures", name);
const tsx = import.meta.resolve("tsx");
/** Runs a command to whose processes bpf() is refused. */
const filtered = `${process.execPath} --import=${tsx} ${fixture("filtered.ts")}`;

serial("a bpffs hidden by ip netns exec is found and seen again", async (t) => {
	const one = await machine(t);
	await one.sh(
		"mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip netns add blue",
	);
	const { findings } = await one.examine("ip netns exec blue %");
	t.is(findings[0]?.code, "bpffs-hidden");
	t.is(
		findings[0]?.message,
		'"ip netns exec blue" has mounted a new /sys over the bpffs at /sys/fs/bpf',
	);
	const fix = findings[0]?.fix ?? "";
	t.regex(fix, /^nsenter --target=\d+ --mount$/);
	// nsenter starts a login shell, whose own PATH may lead to an older Node.js.
	const { stdout } = await one.sh(
		`ip netns exec blue sh -c 'fix=$(cli_doctor --json | sed -n "s/.*\\"fix\\":\\"\\(nsenter[^\\"]*\\)\\".*/\\1/p"); echo "PATH=$PATH cli_doctor; ip -brief link" | SHELL=/bin/sh sh -c "$fix"'`,
		"",
		false,
	);
	// Findings of a network namespace without our programs; its one interface is lo.
	t.regex(stdout, /^33 checks, .*\nlo /m);
	t.notRegex(stdout, /bpffs|eth0/);
});

serial("missing capabilities are found, and sudo has them", async (t) => {
	const one = await machine(t);
	const asNobody =
		"setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all sh -c '%'";
	const { findings, skipped } = await one.examine(asNobody);
	t.deepEqual(findings, [
		{
			code: "capability-missing",
			message: "this process lacks CAP_BPF and CAP_NET_ADMIN",
			fix: "sudo cli_doctor",
		},
	]);
	t.true(skipped.length > 0);
	t.is(skipped[0]?.reason, "no CAP_BPF, CAP_NET_ADMIN");
	await one.sh(
		`printf 'Defaults secure_path="%s"\\nnobody ALL=(ALL) NOPASSWD: ALL\\n' "$PATH" >${one.bin}/sudoers && chmod 440 ${one.bin}/sudoers && mount --bind ${one.bin}/sudoers /etc/sudoers`,
	);
	const { stdout } = await one.sh(
		asNobody.replace("%", findings[0]?.fix as string),
	);
	t.is(stdout, "33 checks, 0 findings");
});

/** A machine whose first process is no service manager: who lacks a right is in a container. */
async function withoutManager(
	t: Parameters<typeof machine>[0],
): Promise<Machine> {
	const one = await machine(t);
	await one.sh(
		"[ ! -d /run/systemd/system ] || mount -t tmpfs none /run/systemd",
	);
	return one;
}

serial("what a container lacks is found, and given by options", async (t) => {
	const one = await withoutManager(t);
	await one.sh(
		`printf '#!/bin/sh\\n%s "$@"\\n' '${filtered}' >${one.bin}/filtered && chmod +x ${one.bin}/filtered && ln -s ${fixture("docker.sh")} ${one.bin}/docker`,
	);
	const start = async (command: string) => {
		const { findings } = await one.examine(
			`FILTERED=${one.bin}/filtered ${command}`,
		);
		return new Map(findings.map(({ code, ...finding }) => [code, finding]));
	};

	const bare = await start("docker run IMAGE");
	t.deepEqual(
		[...bare],
		[
			[
				"capability-missing",
				{
					message: "this process lacks CAP_BPF and CAP_NET_ADMIN",
					fix: "docker run --cap-add=BPF --cap-add=NET_ADMIN IMAGE",
				},
			],
			[
				"bpffs-missing",
				{
					message:
						"there is no bpffs at /sys/fs/bpf, where the tables would be pinned",
					fix: "docker run --cap-add=BPF --cap-add=NET_ADMIN --volume /sys/fs/bpf:/sys/fs/bpf IMAGE",
				},
			],
		],
	);

	const capable = await start(bare.get("capability-missing")?.fix as string);
	t.false(capable.has("capability-missing"));
	t.deepEqual(capable.get("seccomp"), {
		message:
			"a seccomp filter is on this process, and bpf() is refused although the capabilities are there",
		fix: "docker run --cap-add=BPF --cap-add=NET_ADMIN --security-opt seccomp=unconfined IMAGE",
	});

	const unconfined = await start(capable.get("seccomp")?.fix as string);
	t.deepEqual([...unconfined.keys()], ["bpffs-missing"]);

	const shared = await start(bare.get("bpffs-missing")?.fix as string);
	t.deepEqual([...shared.keys()], ["seccomp"]);
});

serial("the capability that root lacks is named", async (t) => {
	const one = await withoutManager(t);
	const { findings } = await one.examine(
		"setpriv --bounding-set=-net_admin --inh-caps=-net_admin %",
	);
	t.deepEqual(findings, [
		{
			code: "capability-missing",
			message: "this process lacks CAP_NET_ADMIN",
			fix: "docker run --cap-add=BPF --cap-add=NET_ADMIN IMAGE",
		},
	]);
});

/**
 * The kernels that are supported take our programs in any mode (scripts/test-kernel-doctor.sh boots one): here the
 * mode is made up, and what refuses programs is a filter.
 */
async function lockedDown(
	t: Parameters<typeof machine>[0],
	parameters: string,
): Promise<Machine> {
	const one = await machine(t);
	await one.sh(
		`mount -t tmpfs none /sys/kernel/security
		echo 'none integrity [confidentiality]' >/sys/kernel/security/lockdown
		echo '${parameters}' >${one.bin}/cmdline
		mount --bind ${one.bin}/cmdline /proc/cmdline`,
	);
	return one;
}

const lockdown = async (one: Machine) =>
	(await one.examine(`${filtered} %`)).findings.find(
		({ code }) => code === "lockdown",
	);

serial("a locked down kernel that refuses programs is found", async (t) => {
	const one = await lockedDown(t, "quiet lockdown=confidentiality");
	t.deepEqual(
		(await one.examine()).findings,
		[],
		"it takes programs all the same",
	);
	const finding = await lockdown(one);
	t.deepEqual(finding, {
		code: "lockdown",
		message:
			"the kernel is locked down (confidentiality), and refuses programs",
		fix: "sed -i 's/ *lockdown=[a-z]*//' /etc/default/grub && update-grub && reboot",
	});

	// Mended by the next boot: the boot loader is asked for it, without the parameter.
	await one.sh(
		`mkdir -p ${one.bin}/default && echo 'GRUB_CMDLINE_LINUX="quiet lockdown=confidentiality panic=1"' >${one.bin}/default/grub
		mount --bind ${one.bin}/default /etc/default
		for program in update-grub reboot; do
			printf '#!/bin/sh\\necho "$0" >>${one.bin}/called\\n' >${one.bin}/$program
			chmod +x ${one.bin}/$program
		done
		${finding?.fix}`,
	);
	const { stdout } = await one.sh(
		`cat /etc/default/grub && sed 's/.*\\///' ${one.bin}/called`,
	);
	t.is(stdout, 'GRUB_CMDLINE_LINUX="quiet panic=1"\nupdate-grub\nreboot');
	await one.sh("echo '[none] integrity' >/sys/kernel/security/lockdown");
	t.is(await lockdown(one), undefined);
});

serial("a kernel that Secure Boot locks down is found", async (t) => {
	const one = await lockedDown(t, "quiet");
	t.is((await lockdown(one))?.fix, "mokutil --disable-validation && reboot");
});
