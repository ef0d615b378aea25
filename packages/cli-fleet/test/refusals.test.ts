// Needs root, BPF and etcd: what is refused, by push and by the agent; the kernel keeps what it has.
import type { ExecutionContext } from "ava";
import { RowsDigest } from "../src/rows/digest.js";
import { type Content, changed, gateway } from "./helpers/documents.js";
import { type Fleet, it, type Machine } from "./helpers/fleet.js";

const COUNT = 40;

async function begin(fleet: Fleet): Promise<Machine> {
	const gw1 = fleet.machine("gw1");
	gw1.start();
	await fleet.cli("push - --wait", gateway("gw1", COUNT));
	return gw1;
}

const refusals: readonly {
	code: string;
	document: Content;
	err: string;
	options?: string;
}[] = [
	{
		code: "EMPTY",
		document: changed((c) =>
			Object.assign(c, { config: [], tunnels: [], services: [] }),
		),
		err: "cli_fleet: push: gw1: there is no row, so everything would be deleted; if this is meant, use --allow-empty\n",
	},
	{
		code: "MASS_DELETE",
		document: gateway("gw1", 20),
		err: "cli_fleet: push: 40 of 81 rows would be deleted, at most 20 may be; if this is meant, use --max-delete 40\n",
	},
	{
		code: "CONFLICT",
		document: changed((c) => {
			c.metadata.generation = 1;
		}),
		options: "--max-delete 100%",
		err: "cli_fleet: push: gw1: generation 1 is not newer than 1, which was pushed; give the document a higher generation, or none\n",
	},
	{
		code: "no such tunnel",
		document: changed((c) => {
			c.tunnels.pop();
		}, COUNT),
		err: `cli_fleet: push: services/1.${COUNT - 1}: there is no tunnel ${100 + COUNT - 1}\n`,
	},
	{
		code: "bad key",
		document: changed((c) => {
			Object.assign(c.services[0] as object, {
				keys: [{ text: "s3cr3t".repeat(4) }],
			});
		}, COUNT),
		err: "cli_fleet: push: -:1:2511: services[0].keys[0]: text must be at most 16 bytes long, got 24 bytes\n",
	},
	{
		code: "unknown version",
		document: { ...gateway(), apiVersion: "sluice/v2" },
		err: "cli_fleet: push: -:1:2: apiVersion: expected sluice/v1\n",
	},
];

it("push refuses what cli_apply would, and writes nothing", async (t, fleet) => {
	const gw1 = await begin(fleet);
	const before = await fleet.etcd.list(fleet.paths.machine("gw1"));
	const kernel = await gw1.kernel();
	for (const { code, document, err, options = "" } of refusals) {
		const ended = await fleet.cli(
			["push", "-", options].filter(Boolean).join(" "),
			document,
		);
		t.is(ended.code, 2, code);
		t.is(ended.err, err);
	}
	t.deepEqual(
		(await fleet.etcd.list(fleet.paths.machine("gw1"))).rows,
		before.rows,
	);
	t.deepEqual(await gw1.kernel(), kernel);
	// Meant all the same.
	t.is(
		(await fleet.cli("push - --max-delete 40 --wait", gateway("gw1", 20))).code,
		0,
	);
});

it("the first push to a machine that cli_apply has brought to a newer generation is applied, before and after its agent's first report", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	const byHand = changed((c) => {
		c.metadata.generation = 5;
	}, 3);
	t.is((await gw1.applyByHand(byHand)).code, 0);
	await fleet.cli("push -", gateway("gw1", 4));
	gw1.start();
	await gw1.applied(1);
	t.is((await gw1.kernel()).document.services.length, 4);
	const ended = await fleet.cli("push - --wait", gateway("gw1", 5));
	t.is(ended.code, 0, ended.err);
	t.is((await gw1.kernel()).generation, 2);
});

/** Rows in the store as a push of another program would leave them, with a commit that fits or not. */
async function commit(
	fleet: Fleet,
	change: (rows: Map<string, string>) => void,
	more: object = {},
): Promise<void> {
	const prefix = fleet.paths.machine("gw1");
	const listed = await fleet.etcd.list(prefix);
	const before = JSON.parse(listed.rows.get("commit") ?? "{}");
	const { rows } = listed;
	rows.delete("commit");
	const gone = new Set(rows.keys());
	change(rows);
	for (const [key, value] of rows) {
		gone.delete(key);
		await fleet.write("gw1", key, value);
	}
	for (const key of gone)
		await fleet.etcd.call(({ kv }) =>
			kv.deleteRange({ key: new TextEncoder().encode(prefix + key) }),
		);
	await fleet.write(
		"gw1",
		"commit",
		JSON.stringify({
			...before,
			generation: before.generation + 1,
			rows: rows.size,
			sha256: RowsDigest.of(rows).hex(),
			deletes: 0,
			...more,
		}),
	);
}

const refused = async (
	t: ExecutionContext,
	fleet: Fleet,
	code: string,
	message: string,
	change: (rows: Map<string, string>) => void,
	more: object = {},
) => {
	const gw1 = await begin(fleet);
	const before = await gw1.kernel();
	await commit(fleet, change, more);
	const status = await gw1.refused(code);
	t.is(status.refused?.message, message);
	t.is(status.applied, 1);
	t.deepEqual(await gw1.kernel(), before);
	t.deepEqual(gw1.findings(), []);
	t.is((await fleet.cli("status")).code, 1);
	// What is right is applied after it.
	const right = await fleet.cli("push - --wait", gateway("gw1", COUNT));
	t.is(right.code, 0, right.err);
	t.deepEqual((await gw1.kernel()).document, before.document);
};

it("an agent refuses rows that are not those of the commit", (t, fleet) =>
	refused(
		t,
		fleet,
		"HASH",
		"the rows are not those of the commit; push again",
		(rows) => {
			rows.delete("services/1.3");
		},
		{ rows: 121 },
	));

it("an agent refuses a mass delete that the commit does not name", (t, fleet) =>
	refused(
		t,
		fleet,
		"MASS_DELETE",
		"30 of 81 rows would be deleted, at most 20 may be",
		(rows) => {
			for (let group = 0; group < 30; group++) {
				rows.delete(`services/1.${group}`);
				rows.delete(`keys/1.${group}`);
			}
		},
	));

it("an agent refuses an empty machine that the commit does not name so", (t, fleet) =>
	refused(
		t,
		fleet,
		"EMPTY",
		"the document has no row, so everything would be deleted",
		(rows) => rows.clear(),
	));

it("an agent refuses an older generation, as after a restore", async (t, fleet) => {
	const gw1 = await begin(fleet);
	await fleet.cli("push - --wait", gateway("gw1", COUNT - 1));
	await commit(fleet, () => {}, { generation: 1 });
	const { refused, applied } = await gw1.refused("STALE");
	t.is(applied, 2);
	t.is(
		refused?.message,
		"generation 1 is older than 2, which was applied; if the store was restored, cli_fleet push --reset",
	);
	t.is(
		(await fleet.cli("push - --reset --wait=20", gateway("gw1", COUNT))).code,
		0,
	);
	t.is((await gw1.kernel()).document.services.length, COUNT);
});

it("an agent refuses a service without a tunnel, and a row of an unknown kind", async (t, fleet) => {
	await refused(
		t,
		fleet,
		"USAGE",
		"service 1 3: there is no tunnel 7",
		(rows) => {
			const row = JSON.parse(rows.get("services/1.3") as string);
			rows.set("services/1.3", JSON.stringify({ ...row, tunnel: 7 }));
		},
	);
	await commit(fleet, (rows) => rows.set("weights/1", "{}"));
	const status = await fleet.cli("status --json");
	t.regex(status.out, /"state":"(refused|behind)"/);
});

it("an agent refuses a machine whose commit is gone", async (t, fleet) => {
	const gw1 = await begin(fleet);
	const before = await gw1.kernel();
	const prefix = fleet.paths.machine("gw1");
	await fleet.etcd.call(({ kv }) =>
		kv.deleteRange({
			key: new TextEncoder().encode(prefix),
			rangeEnd: new TextEncoder().encode(`${prefix.slice(0, -1)}0`),
		}),
	);
	// Nothing is deleted for lack of a commit, also where all is listed anew.
	await gw1.stop();
	gw1.start();
	await gw1.refused("NO_COMMIT");
	t.deepEqual(await gw1.kernel(), before);
});
