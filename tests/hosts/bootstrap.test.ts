// Needs root: hides programs of this machine in a mount namespace.
import { existsSync } from "node:fs";
import path from "node:path";
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { asNobody } from "../helpers/nobody.js";
import { script } from "../helpers/paths.js";

const rootTest = testWith(test.serial, needs.root);
const debianTest = testWith(test.serial, needs.root, () =>
	existsSync("/usr/bin/deb-systemd-helper")
		? undefined
		: "needs Debian's package system",
);
const bpfTest = testWith(test.serial, needs.root, needs.bpf);

/** A host on which these programs are not installed. */
async function hostWithout(
	t: ExecutionContext,
	programs: readonly string[],
): Promise<Host> {
	const bed = testbed(t);
	const host = await bed.host("host");
	for (const program of programs) {
		const { stdout } = await host.run("which", [program]);
		await host.run("mount", ["--bind", "/dev/null", stdout]);
	}
	return host;
}

rootTest("bootstrap without apt says what is missing", async (t) => {
	const host = await hostWithout(t, ["apt-get", "shfmt", "bpftool", "ip"]);

	t.like(await host.run(script("bootstrap"), ["test"], { reject: false }), {
		exitCode: 4,
		stdout: "",
		stderr:
			"bootstrap.sh: missing: bpftool iproute2 shfmt (names of Debian packages), and there is no apt to install them; install what has them here",
	});
});

rootTest("bootstrap without root says what to install", async (t) => {
	const host = await hostWithout(t, ["shfmt"]);
	const result = await asNobody(host, "bootstrap", "test");
	t.like(result, {
		exitCode: 4,
		stdout: "",
		stderr:
			"bootstrap.sh: missing: shfmt; run as root, or apt-get install shfmt",
	});
});

rootTest("bootstrap installs what its purpose needs, no more", async (t) => {
	const host = await hostWithout(t, ["apt-get", "clang", "curl", "shfmt"]);
	const missing = async (...words: string[]) => {
		const { stderr } = await host.run(script("bootstrap"), words, {
			reject: false,
		});
		return /missing: (.*) \(/.exec(stderr)?.[1] ?? stderr;
	};

	t.is(await missing(), "clang");
	t.is(await missing("build"), "clang");
	// The tests do not need what only bench does, so it may be missing, too.
	t.regex(await missing("bench"), /^clang( iperf3)?$/);
	t.is(await missing("demo"), "clang curl");
	t.is(await missing("test"), "clang curl shfmt");
	t.is(
		await missing("fun"),
		'bootstrap.sh: no purpose "fun"; there are build, demo, fleet, bench and test',
	);
});

debianTest("bootstrap neither enables nor starts a service", async (t) => {
	const bed = testbed(t);
	const host = await bed.host("host");
	await host.run("sh", [
		"-e",
		path.join(import.meta.dirname, "fixtures/service-package.sh"),
	]);
	const sh = async (command: string) =>
		(await host.run("sh", ["-c", command])).stdout;
	const enabled = "ls /etc/systemd/system/*.wants /etc/rc*.d 2>/dev/null";
	const before = await sh(enabled);

	const { stdout } = await host.run(script("bootstrap"), ["test"]);

	t.is(stdout, "installing shfmt");
	t.is(await sh("ls /lib/systemd/system/shfmt-test.service"), UNIT);
	t.is(await sh(enabled), before);
	t.is(await sh("cat /mnt/started /mnt/policy"), "");
});

const UNIT = "/lib/systemd/system/shfmt-test.service";

bpfTest("check attaches and detaches in namespaces of its own", async (t) => {
	const host = await hostWithout(t, []);

	const { stdout } = await host.run(script("check"));

	t.regex(stdout, /^primary ingress: pfc_ingress attached/);
	t.regex(stdout, /primary egress: pfc_egress detached .*$/);
	const links = await host.run("ip", ["-o", "link"]);
	t.is(links.stdout.split("\n").length, 1, "only lo is left");
});
