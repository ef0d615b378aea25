// Needs root: makes namespaces, attaches programs.
import { withTables } from "@sluice/cli-kit/testing";
import { needs, testWith } from "@sluice/testbed";
import { Site, service } from "@sluice/testbed/site";
import test from "ava";
import { cli } from "../src/cli.js";

const serial = testWith(test.serial, needs.root, needs.bpf);

serial(
	"one screen shows the machine, what moves, what is dropped and what is found",
	async (t) => {
		t.timeout(120_000);
		const site = await Site.make((end) => t.teardown(end as () => void));
		const { gateway, node } = site;
		t.true(await site.works());
		const asking = site.client.spawn("sh", [
			"-c",
			"while :; do curl -s --max-time 0.5 -o /dev/null http://203.0.113.10/; sleep 0.05; done",
		]);
		t.teardown(() => asking.stop());

		const { stdout: text } = await gateway.sh("cli_status");
		t.regex(
			text,
			/^gateway, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, rates over [\d.]+ s\n\n/,
		);
		t.regex(text, /^ +\d+ +eth0 +ingress +gue,dnat$/m);
		t.regex(text, /^ +\d+ +eth0 +egress +proxy,snat,fib$/m);
		t.regex(
			text,
			/^ +100 +203\.0\.113\.2:6080 +198\.51\.100\.7:6080 +learned +\d+ s ago( +[1-9]\d*){4}$/m,
		);
		t.regex(
			text,
			/^1 2 +tcp 203\.0\.113\.10:80 +tcp 192\.168\.7\.2:8080 +100( +[1-9]\d*){4}$/m,
		);
		t.regex(text, /^dropped in the last \d+ s: none$/m);
		t.regex(text, /\ncli_doctor: 0 findings$/);
		const { stdout: own } = await node.sh(
			"cli_status --no-doctor --seconds 0.1",
		);
		t.regex(own, /^node, /);

		await gateway.sh(service({ key: "open sesame" }));
		const { stdout: broken } = await gateway.sh("cli_status");
		t.regex(
			broken,
			/^ingress +wrong-key +[1-9]\d* +the key is not the service's$/m,
		);
		t.regex(
			broken,
			/^dropped since the counters began: [1-9]\d* ingress wrong-key(,|$)/m,
		);
		t.regex(broken, /^rising-wrong-key: .*\n\task: .*--show-keys/m);

		const { stdout: json } = await gateway.sh("cli_status --json");
		const { role, tunnels, drops, findings } = JSON.parse(json);
		t.is(role, "gateway");
		t.like(tunnels[0], { id: 100, remote: "198.51.100.7:6080", learned: true });
		t.is(drops.counts[0].outcome, "wrong-key");
		t.true(drops.totals[0].packets > drops.counts[0].packets);
		t.is(findings[0].code, "rising-wrong-key");

		// Looks of the same minute: the drops add up.
		const { stdout: looks } = await gateway.sh(
			"cli_status --watch --interval 0.3 --count 3 --json --no-doctor",
		);
		const counts = looks
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line).drops.counts[0]?.packets ?? 0);
		t.is(counts.length, 3);
		t.deepEqual(
			counts,
			counts.toSorted((a, b) => a - b),
		);
	},
);

const it = withTables(test);

it("a machine without programs is shown as it is", async (t, tables) => {
	const { code, out } = await tables.run(cli, "--no-doctor --seconds 0.01");
	t.is(code, 0);
	t.regex(out, /^unconfigured, /);
	t.regex(out, /^programs: none is attached$/m);
	t.regex(out, /^dropped in the last 0 s: none$/m);
	t.deepEqual(await tables.run(cli, "--watch --seconds 1"), {
		code: 2,
		out: "",
		err: "cli_status: --seconds is for one look; --watch has --interval\n",
	});
});

it("cli_status says where the tables are missing", async (t, tables) => {
	const { code, err } = await tables.run(cli, "--bpffs /nowhere");
	t.is(code, 4);
	t.regex(err, /^cli_status: no bpffs at \/nowhere/);
});
