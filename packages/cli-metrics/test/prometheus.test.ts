// The dashboard and the alert rules, against a real Prometheus (Debian: prometheus).

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
	existsSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PinnedTables } from "@sluice/cli-kit/testing";
import { possibleCpus } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	statsRow,
	statsTable,
	trafficTable,
	tunnelTable,
} from "@sluice/maps/tables";
import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { pingedAgo, serving } from "./helpers/serving.js";

const examples = path.resolve("../../examples/grafana");
const rules = path.join(examples, "tunnel-alerts.yml");
const programs = ["prometheus", "promtool"];

if (process.getuid?.() === 0) test.before(() => ownNamespaces());
const prometheus = () =>
	programs.every((name) => existsSync(`/usr/bin/${name}`))
		? undefined
		: "needs prometheus";
const it = testWith(test, needs.root, needs.bpf, prometheus);

it("the alert rules are what Prometheus takes for rules", (t) => {
	const said = execFileSync(
		"promtool",
		["check", "rules", rules, path.join(examples, "fleet-alerts.yml")],
		{ encoding: "utf8" },
	);
	t.regex(said, /SUCCESS: 10 rules found/);
	t.regex(said, /SUCCESS: 4 rules found/);
});

it("a scrape answers every question of the dashboard, and fires the alerts", async (t) => {
	const tables = new PinnedTables();
	t.teardown(() => tables.close());
	const cpus = possibleCpus();
	const tunnel = {
		local: Address.of("10.0.0.1"),
		localPort: 6080,
		remote: Address.of("10.0.0.2"),
		remotePort: 6080,
		lastPing: pingedAgo(3600),
	};
	// Nearly as many as fit, all but one of them silent.
	tables
		.open(tunnelTable)
		.setMany(Array.from({ length: 900 }, (_, id) => [id, tunnel] as const));
	tables
		.open(tunnelTable)
		.set(900, { ...tunnel, remote: Address.of("::"), lastPing: 0n });
	const count = (packets: number) => {
		const each = Array(cpus).fill(BigInt(packets)) as bigint[];
		const stats = tables.open(statsTable);
		stats.set(statsRow("ingress", "wrong-key"), each);
		stats.set(statsRow("ingress", "decapsulated"), each);
		stats.set(statsRow("ingress", "ping-learned"), each);
		stats.close();
		const traffic = tables.open(trafficTable);
		traffic.set(
			{ tunnel: 7, sid: { service: 1, group: 1 }, direction: "ingress" },
			each.map((n) => ({ packets: n, bytes: 100n * n })),
		);
		traffic.close();
	};
	count(0);
	const ask = await prometheusOf(t, await serving(t, tables, [], 5));
	let packets = 0;
	await until(async () => {
		packets += 1000;
		count(packets);
		const rate = await ask(
			'rate(sluice_packets_total{outcome="wrong-key"}[30s])',
		);
		return rate.some(({ value }) => Number(value[1]) > 0);
	});

	// A scrape that was late, on a busy machine, leaves a gap: the query is repeated.
	const answers = async (expression: string) => {
		let found: Sample[] = [];
		await until(async () => {
			found = await ask(expression);
			return found.length > 0;
		}, expression);
		return found;
	};
	for (const expression of dashboardExpressions()) {
		await answers(expression);
	}
	const dropped = await answers(
		'sum by (outcome) (sluice_packets_total{fate="dropped"}) > 0',
	);
	t.deepEqual(
		dropped.map(({ metric }) => metric.outcome),
		["wrong-key"],
	);
	for (const [alert, expression] of alertExpressions()) {
		if (expected.has(alert)) await answers(expression);
		else t.deepEqual(await ask(expression), [], alert);
	}
});

/** The alerts whose conditions hold here. */
const expected = new Set([
	"SluiceTableNearlyFull",
	"SluiceTunnelSilent",
	"SluiceTunnelsSilent",
	"SluiceTunnelsWithoutRemote",
	"SluicePacketsDropped",
	"SluiceWrongKey",
	"SluiceFinding",
	"SluiceRemotesMove",
]);

type Sample = { metric: Record<string, string>; value: [number, string] };
type Ask = (expression: string) => Promise<Sample[]>;

/** Starts a Prometheus that scrapes `url` and has the rules. @returns a function that asks it */
async function prometheusOf(t: ExecutionContext, url: string): Promise<Ask> {
	const directory = mkdtempSync(path.join(tmpdir(), "sluice-prometheus-"));
	t.teardown(() => rmSync(directory, { recursive: true }));
	const config = path.join(directory, "prometheus.yml");
	writeFileSync(
		config,
		`global: {scrape_interval: 2s, evaluation_interval: 2s}
rule_files: [${rules}]
scrape_configs:
  - job_name: sluice
    static_configs: [{targets: ["${new URL(url).host}"]}]
`,
	);
	const child = spawn("prometheus", [
		`--config.file=${config}`,
		`--storage.tsdb.path=${directory}/data`,
		"--web.listen-address=127.0.0.1:9090",
		"--log.level=error",
	]);
	const ended = once(child, "close");
	t.teardown(async () => {
		child.kill();
		await ended;
	});
	const api = "http://127.0.0.1:9090";
	await until(async () => (await fetch(`${api}/-/ready`)).ok);
	return async (expression) => {
		const response = await fetch(
			`${api}/api/v1/query?query=${encodeURIComponent(expression)}`,
		);
		const answer = (await response.json()) as {
			error?: string;
			data: { result: Sample[] };
		};
		t.is(answer.error, undefined, expression);
		return answer.data.result;
	};
}

/** Asks until it is so; what cannot be asked yet is not. @throws Error where it is not so for a minute */
async function until(
	isSo: () => Promise<boolean>,
	what = "ready",
): Promise<void> {
	const end = Date.now() + 60_000;
	while (!(await isSo().catch(() => false))) {
		if (Date.now() > end) throw new Error(`never so: ${what}`);
		await sleep(200);
	}
}

/** Every question of the dashboard, with all instances and a range that this test's time fills. */
function dashboardExpressions(): string[] {
	const file = path.join(examples, "tunnel-dashboard.json");
	const { panels } = JSON.parse(readFileSync(file, "utf8")) as {
		panels: { targets: { expr: string }[] }[];
	};
	return panels.flatMap(({ targets }) =>
		targets.map(({ expr }) =>
			expr.replaceAll("$__rate_interval", "30s").replaceAll("$instance", ".*"),
		),
	);
}

/** The alerts and their conditions, over a range that this test's time fills. */
function alertExpressions(): [string, string][] {
	return [
		...readFileSync(rules, "utf8").matchAll(/alert: (\w+)\n\s+expr: (.*)\n/g),
	].map(([, alert, expression]) => [
		alert as string,
		(expression as string).replaceAll("[5m]", "[30s]"),
	]);
}
