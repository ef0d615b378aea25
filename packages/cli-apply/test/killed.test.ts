// Needs root and BPF: ends the process at every write.
import {
	Killed,
	killedAtWrite,
	type PinnedTables,
} from "@sluice/cli-kit/testing";
import {
	encapTable,
	natTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import type { ExecutionContext } from "ava";
import { cli } from "../src/cli.js";
import {
	type Content,
	changed,
	gateway,
	json,
	yaml,
} from "./helpers/documents.js";
import { foundIn, it } from "./helpers/tables.js";

/** The same document but for a few rows, so that those alone are looked at. */
const few = changed((c) => {
	c.metadata.generation = 2;
	c.tunnels.push({ id: 102, local: "127.0.0.2:6080", remote: "learned" });
	const [one, two] = c.services as [
		Record<string, unknown>,
		Record<string, unknown>,
	];
	Object.assign(one, { proxy: "203.0.113.11:80", tunnel: 102 });
	Object.assign(two, { keys: [{ text: "another" }] });
});

const next = changed((c) => {
	c.metadata.generation = 2;
	c.config = [];
	c.tunnels.shift();
	c.tunnels.push({ id: 102, local: "127.0.0.2:6080", remote: "learned" });
	const [one, two] = c.services as [
		Record<string, unknown>,
		Record<string, unknown>,
	];
	Object.assign(one, {
		service: 3,
		tunnel: 102,
		proxy: "203.0.113.10:53",
		protocol: "udp",
	});
	Object.assign(two, { proxy: "203.0.113.11:53" });
});

const rows = async (tables: PinnedTables) =>
	(await tables.run(cli, "export --show-keys --json")).out;

/** Whatever requests can reach is complete. */
function isSound(tables: PinnedTables): string[] {
	const nat = tables.open(natTable);
	const tunnels = tables.open(tunnelTable);
	const encap = tables.open(encapTable);
	return [...tables.open(verifyTable).entries()]
		.filter(([, { proxy }]) => nat.get(proxy))
		.flatMap(([{ service }, { proxy }]) => {
			const backend = nat.get(proxy);
			const to = backend && encap.get(backend);
			return to && tunnels.get(to.tunnel) ? [] : [`service ${service}`];
		});
}

for (const { how, text, next: document } of [
	{ how: "", text: yaml, next },
	{ how: ", where few rows differ", text: json, next: few },
])
	it(`killed at any write${how}, what can be reached is whole, and the next apply is as if nothing had been`, (t, tables) =>
		killed(t, tables, text, document));

async function killed(
	t: ExecutionContext,
	tables: PinnedTables,
	text: (content: unknown) => string,
	next: Content,
): Promise<void> {
	const from = (content: unknown) => ({ input: text(content) });
	const begin = () =>
		tables.run(
			cli,
			"- --force-owner --max-delete 100% --generation 9",
			from(gateway()),
		);
	await begin();
	await tables.run(cli, "- --generation 10", from(next));
	const whole = JSON.parse(await rows(tables));
	for (let writes = 0, generation = 20; ; writes++, generation += 2) {
		await tables.run(cli, `- --generation ${generation}`, from(gateway()));
		const kernel = killedAtWrite(writes);
		const line = `- --generation ${generation + 1}`;
		const ended = await tables.run(cli, line, { ...from(next), kernel });
		const isFinished = ended.code === 0;
		t.true(isFinished || ended.err.includes(Killed.name), ended.err);
		t.deepEqual(isSound(tables), [], `after ${writes} writes`);
		t.is((await tables.run(cli, line, from(next))).code, 0);
		const now = JSON.parse(await rows(tables));
		t.deepEqual(
			{ ...now, metadata: 0 },
			{ ...whole, metadata: 0 },
			`after ${writes} writes`,
		);
		t.deepEqual(foundIn(tables), []);
		if (!isFinished) continue;
		t.true(writes > 10);
		return;
	}
}
