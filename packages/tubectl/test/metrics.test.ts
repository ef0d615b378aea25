import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { needs } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { kernelTest, ownHost } from "./helpers/own-host.js";
import { greeter, greeting } from "./helpers/servers.js";
import { json, must, tubectl } from "./helpers/tubectl.js";

/** Where this checkout is shown to users who may not enter the directory that it stands in, root's home for one. */
const checkout = "/mnt";

test.before(() => {
	ownHost();
	if (needs.root()) return;
	const root = join(import.meta.dirname, "../../..");
	execFileSync("mount", ["--bind", root, checkout]);
});
test.afterEach.always(() => tubectl("unload"));

const us = String(process.pid);
const cwd = join(checkout, "packages/tubectl");
const main = join(cwd, "src/main.ts");
const objects = join(checkout, "bpf/dist");
const alerts = join(import.meta.dirname, "../../../examples/grafana");

/** Starts `tubectl metrics` on a free port and gives where it listens. */
async function serve(
	t: ExecutionContext,
	...command: string[]
): Promise<string> {
	return serveAt(t, command, "127.0.0.1", "0", "-timeout", "5s");
}

/** The same with all arguments of `metrics`. */
async function serveAt(
	t: ExecutionContext,
	command: string[],
	...listening: string[]
): Promise<string> {
	const [file = process.execPath, ...args] = command;
	const server = spawn(
		file,
		[...args, "--import=tsx", main, "metrics", ...listening],
		{
			cwd,
			stdio: ["ignore", "pipe", "pipe"],
			env: { ...process.env, SLUICE_BPF_DIR: objects },
		},
	);
	t.teardown(() => void server.kill());
	let errors = "";
	server.stderr.on("data", (data) => {
		errors += data;
	});
	const [line] = await Promise.race([
		once(server.stdout, "data"),
		once(server, "exit").then(() => [errors]),
	]);
	const address = /^Listening on (\S+:\d+)\n$/.exec(String(line))?.[1];
	t.truthy(address, String(line));
	return address as string;
}

const scrape = async (address: string) =>
	(await fetch(`http://${address}/metrics`)).text();

/** The samples of a text in Prometheus's format, without its comments. */
const samples = (text: string) =>
	text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

async function load(t: ExecutionContext): Promise<void> {
	const { port } = await greeter(t, "foo");
	await must("load");
	await must("bind", "foo", "tcp", "127.8.0.0/16", "0");
	await must("bind", "foo", "tcp", "127.9.0.0/16", "0");
	await must("bind", "bar", "udp", "2001:db8::/64", "53");
	await must("register-pid", us, "foo", "tcp", "127.0.0.1", String(port));
	t.is(await greeting("127.8.0.1", 80), "foo");
	await must("unregister", "foo", "ipv4", "tcp");
	t.is(await greeting("127.8.0.1", 80), "ECONNREFUSED");
}

kernelTest("Metrics have tubular's names and labels", async (t) => {
	await load(t);
	const address = await serve(t);
	const lines = samples(await scrape(address));
	const foo = '{label="foo",domain="ipv4",protocol="tcp"}';
	const bar = '{label="bar",domain="ipv6",protocol="udp"}';
	for (const line of [
		"tubular_collection_errors_total 0",
		`tubular_lookups_total${foo} 2`,
		`tubular_misses_total${foo} 1`,
		'tubular_errors_total{label="foo",domain="ipv4",protocol="tcp",reason="bad-socket"} 0',
		`tubular_bindings${foo} 2`,
		`tubular_bindings${bar} 1`,
		`tubular_destination_has_socket${foo} 0`,
		`tubular_lookups_total${bar} 0`,
	])
		t.true(lines.includes(line), `${line}\n${lines.join("\n")}`);
	t.true(lines.some((line) => /^build_info\{version="/.test(line)));

	await must("unload");
	const after = samples(await scrape(address));
	t.true(after.includes("tubular_collection_errors_total 1"));
	t.false(after.some((line) => line.startsWith("tubular_lookups_total")));
});

for (const [given, printed] of [
	["[::1]", /^\[::1\]:\d+$/],
	["::1", /^\[::1\]:\d+$/],
	["localhost", /^(127\.0\.0\.1|\[::1\]):\d+$/],
	["", /^\[::\]:\d+$/],
] as const)
	kernelTest(`metrics listens on "${given}"`, async (t) => {
		await must("load");
		const address = await serveAt(t, [], given, "0");
		t.regex(address, printed);
		const lines = samples(await scrape(address));
		t.true(lines.includes("tubular_collection_errors_total 0"));
	});

kernelTest("metrics listens on a service's port", async (t) => {
	await must("load");
	t.is(await serveAt(t, [], "127.0.0.1", "http"), "127.0.0.1:80");
});

kernelTest("A collection that takes longer than -timeout is 503", async (t) => {
	await must("load");
	const address = await serveAt(t, [], "127.0.0.1", "0", "-timeout", "1ns");
	const response = await fetch(`http://${address}/metrics`);
	t.is(response.status, 503);
});

kernelTest("An address that is taken is an error", async (t) => {
	await must("load");
	const { port } = await greeter(t, "other");
	t.deepEqual(await tubectl("metrics", "127.0.0.1", String(port)), {
		code: 1,
		out: "",
		err: `tubectl: metrics: listen on 127.0.0.1:${port}: another process listens there (EADDRINUSE)\n`,
	});
});

kernelTest(
	"The state's group reads status and metrics with CAP_BPF alone",
	async (t) => {
		await load(t);
		const group = 12_345;
		const directory = `/sys/fs/bpf/${statSync("/proc/self/ns/net").ino}_dispatcher`;
		execFileSync("chgrp", ["-R", String(group), directory]);
		const as = (gid: number) => [
			"setpriv",
			...["--reuid=65534", `--regid=${gid}`, "--clear-groups"],
			...[
				"--inh-caps=-all,+bpf",
				"--ambient-caps=-all,+bpf",
				"--bounding-set=-all,+bpf",
			],
			process.execPath,
		];
		const status = (gid: number) => {
			const [file = "", ...args] = as(gid);
			return execFileSync(
				file,
				[...args, "--import=tsx", main, "--json", "status"],
				{
					cwd,
					env: { ...process.env, HOME: "/tmp", SLUICE_BPF_DIR: objects },
					encoding: "utf8",
					stdio: "pipe",
				},
			);
		};
		t.deepEqual(JSON.parse(status(group)), await json("status"));
		const address = await serve(t, ...as(group));
		t.true(
			samples(await scrape(address)).includes(
				'tubular_lookups_total{label="foo",domain="ipv4",protocol="tcp"} 2',
			),
		);
		const error = t.throws(() => status(group + 1)) as unknown as {
			status: number;
			stderr: string;
		};
		t.is(error.status, 4);
		t.deepEqual(JSON.parse(error.stderr).error.code, "EACCES");
	},
);

kernelTest("Prometheus scrapes it, and the alert rules hold", async (t) => {
	await load(t);
	const address = await serve(t);
	const directory = mkdtempSync(join(tmpdir(), "prometheus-"));
	const config = join(directory, "prometheus.yml");
	writeFileSync(
		config,
		`global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [${alerts}/tubectl-alerts.yml]
scrape_configs:
  - job_name: tubectl
    static_configs: [{targets: ["${address}"]}]
`,
	);
	const prometheus = spawn(
		"prometheus",
		[
			`--config.file=${config}`,
			`--storage.tsdb.path=${directory}/data`,
			"--web.listen-address=127.0.0.1:9090",
		],
		{ stdio: ["ignore", "ignore", "pipe"] },
	);
	let said = "";
	prometheus.stderr.on("data", (data) => {
		said += data;
	});
	t.teardown(async () => {
		prometheus.kill();
		await once(prometheus, "exit");
		rmSync(directory, { recursive: true });
	});
	const query = async (expression: string) => {
		const response = await fetch(
			`http://127.0.0.1:9090/api/v1/query?query=${encodeURIComponent(expression)}`,
		);
		return ((await response.json()) as Answer).data.result;
	};
	const found = await eventually(() =>
		query('tubular_misses_total{label="foo"}'),
	);
	t.is(found?.[0]?.value[1], "1", said);
	t.like(found?.[0]?.metric, {
		job: "tubectl",
		domain: "ipv4",
		protocol: "tcp",
	});
	const pending = await eventually(() =>
		query('ALERTS{alertname="TubectlNoSocket",label="foo"}'),
	);
	t.is(pending?.length, 1, said);
	const response = await fetch("http://127.0.0.1:9090/api/v1/rules");
	const { data } = (await response.json()) as Rules;
	for (const { name, health } of data.groups.flatMap(({ rules }) => rules))
		t.not(health, "err", name);
	for (const expression of dashboardQueries())
		t.true(Array.isArray(await query(expression)), expression);
});

/** As much of Prometheus's answers as is looked at. */
type Answer = {
	data: { result: { metric: object; value: [number, string] }[] };
};
type Rules = {
	data: { groups: { rules: { name: string; health: string }[] }[] };
};

/** The queries of the dashboard, its variables filled in. */
function dashboardQueries(): string[] {
	const dashboard = JSON.parse(
		readFileSync(join(alerts, "tubectl-dashboard.json"), "utf8"),
	);
	return dashboard.panels.flatMap(
		({ targets = [] }: { targets?: { expr: string }[] }) =>
			targets.map(({ expr }) =>
				expr.replaceAll("$__rate_interval", "1m").replaceAll("$label", ".*"),
			),
	);
}

/** Asks until there is an answer, for two minutes. */
async function eventually<T>(
	ask: () => Promise<T[]>,
): Promise<T[] | undefined> {
	for (let i = 0; i < 600; i++) {
		const answer = await ask().catch(() => []);
		if (answer.length > 0) return answer;
		await setTimeout(200);
	}
	return undefined;
}
