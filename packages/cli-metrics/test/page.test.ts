// Needs root: makes namespaces, attaches programs. The page, in Debian's Chromium.
import { existsSync } from "node:fs";
import type { Overview } from "@sluice/overview";
import { needs, type Running, testWith } from "@sluice/testbed";
import { GATEWAY, type Machine, Site, service } from "@sluice/testbed/site";
import test, { type ExecutionContext } from "ava";
import { parts } from "../src/page/parts.js";

const chromium = () =>
	existsSync("/usr/bin/chromium") ? undefined : "needs chromium";
const it = testWith(test.serial, needs.root, needs.bpf, chromium);

const URL = `http://${GATEWAY}:9500/`;

/** The page after its script has run for a while, as Chromium has it. */
async function dom({ client }: Site): Promise<string> {
	const { stdout } = await client.run("sh", [
		"-c",
		// Ended after a while, whatever is still open: the page's connection for events never closes.
		`directory=$(mktemp -d); chromium --headless=new --no-sandbox --disable-gpu --user-data-dir=$directory --timeout=3000 --dump-dom ${URL} 2>/dev/null; rm -rf $directory || :`,
	]);
	return stdout;
}

/** The same, again until it matches: a busy machine starts Chromium slowly. */
async function domWith(site: Site, wanted: RegExp): Promise<string> {
	for (;;) {
		const page = await dom(site);
		if (wanted.test(page)) return page;
	}
}

/** The cells of a part's table, row by row. */
function cells(page: string, id: string): string[][] {
	const [, part = ""] =
		new RegExp(`<div id="${id}">(.*?)</div>`, "s").exec(page) ?? [];
	return [...part.matchAll(/<tr>((?:<td>.*?<\/td>)+)<\/tr>/gs)].map(
		([, row = ""]) =>
			[...row.matchAll(/<td>(.*?)<\/td>/gs)].map(([, cell = ""]) =>
				cell.replaceAll(/<[^>]*>/g, ""),
			),
	);
}

async function serving(
	t: ExecutionContext,
	{ host, bin }: Machine,
): Promise<Running> {
	const server = host.spawn("sh", [
		"-c",
		`PATH=${bin}:$PATH; exec cli_metrics serve ${GATEWAY} 9500 --doctor 1`,
	]);
	t.teardown(() => server.stop());
	await server.ready(/listening on/);
	return server;
}

it("the page shows what the tables hold, and changes with them", async (t) => {
	t.timeout(300_000);
	const site = await Site.make((end) => t.teardown(end as () => void));
	const { gateway } = site;
	const server = await serving(t, gateway);
	t.true(await site.works());

	// Its script has run: the style and script of another's would be refused, and nothing else is loaded.
	const page = await domWith(site, /data-live="yes"/);
	t.notRegex(page, /(src|href)=/);
	t.regex(page, /<span id="role">gateway<\/span>/);
	const { tunnels } = JSON.parse(
		(await gateway.sh("cli_tunnel get all --json")).stdout,
	);
	t.deepEqual(
		cells(page, "tunnels").map((row) => row.slice(0, 4)),
		tunnels.map(({ id, local, remote, learned }: TunnelDocument) => [
			String(id),
			end(local),
			end(remote),
			learned ? "learned" : "set",
		]),
	);
	t.deepEqual(
		cells(page, "services").map((row) => row.slice(0, 5)),
		[["1", "2", "tcp 203.0.113.10:80", "tcp 192.168.7.2:8080", "100"]],
	);
	t.deepEqual(
		cells(page, "programs").map(([device, direction, , flags]) => [
			device,
			direction,
			flags,
		]),
		[
			["eth0", "ingress", "gue,dnat"],
			["eth0", "egress", "proxy,snat,fib"],
		],
	);
	t.deepEqual(cells(page, "drops"), []);
	t.regex(page, /<text x="408"[^>]*>tunnel 100<\/text>/);

	// Another key: the packets are dropped, and cli_doctor says so.
	await gateway.sh(service({ key: "open sesame" }));
	let broken = "";
	// On a busy machine the tables are read less often than the doctor runs.
	while (
		!/rising-wrong-key/.test(broken) ||
		cells(broken, "drops").length === 0
	) {
		await site.client.run(
			"curl",
			["-s", "--max-time", "0.3", "http://203.0.113.10/"],
			{ reject: false },
		);
		broken = await dom(site);
	}
	const [[direction, outcome, packets] = []] = cells(broken, "drops");
	t.deepEqual([direction, outcome], ["ingress", "wrong-key"]);
	const { rows } = JSON.parse(
		(await gateway.sh("cli_cfg stats --json")).stdout,
	);
	const shown = rows.find(
		(row: { outcome: string }) => row.outcome === "wrong-key",
	).packets;
	t.true(Number(packets) > 0 && Number(packets) <= shown);
	t.regex(broken, /compare "cli_service get all --show-keys" of both/);

	const metrics = await site.client.run("curl", ["-s", `${URL}metrics`]);
	t.regex(metrics.stdout, /^sluice_findings\{code="rising-wrong-key"\} 1$/m);
	const other = await site.client.run("curl", ["-s", `${URL}other`]);
	t.is(other.stdout, "see /metrics");
	await server.stop();
});

interface TunnelDocument {
	id: number;
	local: { address: string; port: number };
	remote: { address: string; port: number };
	learned: boolean;
}

const end = ({ address, port }: { address: string; port: number }) =>
	`${address}:${port}`;

test("what others have named is escaped", (t) => {
	const evil = `<img src=x onerror="alert('1')">&`;
	const none = { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0 };
	const overview: Overview = {
		time: "2026-11-26T00:00:00.000Z",
		role: "gateway",
		programs: [
			{ interface: evil, direction: "ingress", programId: 1, flags: [evil] },
		],
		seconds: 2,
		tunnels: [
			{
				id: 1,
				local: evil,
				remote: evil,
				learned: true,
				lastPingAge: 1,
				perSecond: none,
			},
		],
		tunnelsOmitted: 0,
		services: [
			{
				service: 1,
				group: 1,
				protocol: evil,
				proxy: { address: evil, port: 1 },
				backend: { address: evil, port: 1 },
				tunnel: 1,
				perSecond: none,
			},
		],
		servicesOmitted: 0,
		drops: { seconds: 1, counts: [], totals: [] },
		findings: [{ code: evil, message: evil, fix: evil, question: evil }],
		doctorFailed: null,
	};
	const all = Object.values(parts(overview, [])).join("");
	t.notRegex(all, /<img|onerror="/);
	t.is(
		all.split("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;")
			.length,
		all.split("onerror").length,
	);
	t.regex(
		String(
			parts({ ...overview, findings: null, doctorFailed: evil }, []).findings,
		),
		/did not run: &lt;img/,
	);
});
