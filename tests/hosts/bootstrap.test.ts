// Needs root: hides programs of this machine in a mount namespace.
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { asNobody } from "../helpers/nobody.js";
import { script } from "../helpers/paths.js";

const rootTest = testWith(test.serial, needs.root);
const bpfTest = testWith(test.serial, needs.root, needs.bpf);

/** A host on which these programs are not installed. */
async function hostWithout(
	t: ExecutionContext,
	programs: readonly string[],
): Promise<Host> {
	const bed = await testbed();
	t.teardown(() => bed.close());
	const host = await bed.host("host");
	for (const program of programs) {
		const { stdout } = await host.run("which", [program]);
		await host.run("mount", ["--bind", "/dev/null", stdout]);
	}
	return host;
}

rootTest("bootstrap without apt says what is missing", async (t) => {
	const host = await hostWithout(t, ["apt-get", "shfmt", "bpftool", "ip"]);

	t.like(await host.run(script("bootstrap"), [], { reject: false }), {
		exitCode: 4,
		stdout: "",
		stderr:
			"bootstrap.sh: missing: bpftool iproute2 shfmt (names of Debian packages), and there is no apt to install them; install what has them here",
	});
});

rootTest("bootstrap without root says what to install", async (t) => {
	const host = await hostWithout(t, ["shfmt"]);
	const result = await asNobody(host, "bootstrap");
	t.like(result, {
		exitCode: 4,
		stdout: "",
		stderr:
			"bootstrap.sh: missing: shfmt; run as root, or apt-get install shfmt",
	});
});

bpfTest("check attaches and detaches where nobody is hurt", async (t) => {
	const host = await hostWithout(t, []);

	const { stdout } = await host.run(script("check"));

	t.regex(stdout, /^primary ingress: pfc_ingress attached/);
	t.regex(stdout, /primary egress: pfc_egress detached .*$/);
	const links = await host.run("ip", ["-o", "link"]);
	t.is(links.stdout.split("\n").length, 1, "only lo is left");
});
