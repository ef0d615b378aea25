// Needs root: attaches programs in a network namespace.
//
// The command lines of the packet forwarding component's own manual, typed as they stand there: what its users have in
// their scripts and in their fingers goes on working.
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";

const root = join(import.meta.dirname, "../../..");
const scripts = ["attach", "detach", "reattach", "show"];
const programs = ["cfg", "tunnel", "service"];

const withRoot = testWith(test, needs.root, needs.bpf);

/** A command line, and what it has to print. */
type Step = [line: string, ...printed: RegExp[]];

withRoot("the manual's attach and detach lines do what it says", (t) =>
	type(t, [
		// Without an interface: that of the default route.
		["./attach_tc.sh", /^eth0 ingress: pfc_ingress/, /^eth0 egress: pfc_egr/m],
		["./show_tc.sh", /name pfc_ingress/, /name pfc_egress/],
		["./reattach_tc.sh", /^eth0 ingress: .*reattached/],
		[
			"./detach_tc.sh",
			/^eth0 ingress: .*detached/,
			/^eth0 egress: .*detached/m,
		],
		["./attach_tc.sh eth0", /^eth0 ingress: /, /^eth0 egress: /m],
		["./show_tc.sh eth0", /^eth0 ingress/, /^eth0 egress/m],
		["./show_tc.sh eth0 ingress", /^eth0 ingress(?![\s\S]*egress)/],
		["./reattach_tc.sh eth0", /^eth0 ingress: /, /^eth0 egress: /m],
		["./reattach_tc.sh eth0 ingress", /^eth0 ingress: .*$/],
		["./detach_tc.sh eth0 ingress", /^eth0 ingress: .*detached.*$/],
		["./show_tc.sh eth0", /name pfc_egress/, /^(?![\s\S]*name pfc_ingress)/],
		["./detach_tc.sh eth0", /^eth0 egress: .*detached/],
		["./attach_tc.sh eth0 ingress", /^eth0 ingress: .*$/],
		["./detach_tc.sh eth0", /^eth0 ingress: .*detached/],
	]),
);

withRoot("the manual's make targets do what it says", (t) =>
	type(t, [
		["make -C src help", /all/, /build/, /clean/, /check/],
		["make -C src attach", /eth0 ingress: .*attached/],
		["make -C src detach", /eth0 egress: .*detached/],
	]),
);

withRoot("the manual's configuration lines do what it says", (t) =>
	type(t, [
		["./attach_tc.sh eth0", /attached/],

		[
			"./cli_cfg set 0 1 8 gateway",
			/^CFG\t\*\t0\tIngress\t1\tgateway\t8 dump$/,
		],
		["./cli_cfg set 1 1 17 gateway", /\tEgress\t1\tgateway\t17 proxy,fib$/],
		["./cli_cfg get 0", /Ingress(?![\s\S]*Egress)/],
		["./cli_cfg get 1", /^(?![\s\S]*Ingress)[\s\S]*Egress/],
		["./cli_cfg get all", /Ingress/, /Egress/],

		[
			"./cli_tunnel set 100 172.1.0.4 6080 0 0",
			/^TUN\t {5}100\t +172.1.0.4:6080 -> 0.0.0.0:0$/,
		],
		["./cli_tunnel get 100", /^TUN\t/, /^DECAP\tudp\t172.1.0.4:6080\t1$/m],
		["./cli_tunnel get all", /^TUN\t/],

		[
			"./cli_service set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 'Pa55w0rd1234567'",
			/^VERIFY \(1, 2\) ->\t'\(hidden\)'\t100\t\t\(tcp 5.5.5.5:3100\)\t\(tcp 1.1.1.1:4000\)$/,
		],
		["./cli_service get 1 2", /^VERIFY \(1, 2\) ->/],
		[
			"./cli_service get all",
			/^VERIFY \(1, 2\) ->/,
			/^ENCAP \(tcp 1.1.1.1:4000\) -> 100\t\t\(1, 2\)/m,
			/^NAT \(tcp 5.5.5.5:3100\) -> \(tcp 1.1.1.1:4000\)$/m,
			/^NAT \(tcp 1.1.1.1:4000\) -> \(tcp 5.5.5.5:3100\)$/m,
		],
		["./cli_service del 1 2"],
		["./cli_service get all", /^(?![\s\S]*VERIFY)/],
		["./cli_service del all"],

		["./cli_tunnel del 100"],
		["./cli_tunnel get all", /^(?![\s\S]*TUN)/],
		["./cli_tunnel del all"],
	]),
);

/** Types lines in a host whose working directory has all programs in it, as the manual's has. */
async function type(t: ExecutionContext, steps: readonly Step[]) {
	const bed = testbed();
	const directory = await mkdtemp(join(tmpdir(), "sluice-manual-"));
	t.teardown(async () => {
		await bed.close();
		await rm(directory, { recursive: true });
	});
	await linkPrograms(directory);
	const host = await bed.host("host");
	await defaultRoute(await bed.host("router"), host);

	for (const [line, ...printed] of steps) {
		const { stdout, stderr, exitCode } = await host.run("bash", ["-c", line], {
			cwd: directory,
			reject: false,
		});
		t.is(exitCode, 0, `${line}: ${stderr}`);
		for (const pattern of printed) t.regex(stdout, pattern, line);
	}

	async function defaultRoute(router: Host, host: Host) {
		await bed.link(
			{ host, name: "eth0", addresses: ["172.1.0.4/24"] },
			{ host: router, name: "lan", addresses: ["172.1.0.1/24"] },
		);
		await host.route("default", "172.1.0.1");
	}
}

async function linkPrograms(directory: string): Promise<void> {
	await symlink(root, join(directory, "src"));
	for (const name of scripts)
		await symlink(
			join(root, `scripts/${name}_tc.sh`),
			join(directory, `${name}_tc.sh`),
		);
	for (const name of programs)
		await symlink(
			join(root, `packages/cli-${name}/dist/cli_${name}.cjs`),
			join(directory, `cli_${name}`),
		);
}
