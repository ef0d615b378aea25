// Needs root, BPF and etcd: what --json prints is what docs/schemas says, and links are read as their schema says.
import { readFileSync } from "node:fs";
import path from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import test from "ava";
import { readDocuments } from "../src/push/documents.js";
import { gateway, link } from "./helpers/documents.js";
import { it } from "./helpers/fleet.js";

const read = (file: string) =>
	JSON.parse(readFileSync(path.join(import.meta.dirname, file), "utf8"));

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const schema = read("../../../docs/schemas/cli_fleet.schema.json");
ajv.addSchema(schema);
const isMachine = new Ajv2020({ strict: false }).compile(
	read("../../cli-apply/schema/machine.schema.json"),
);
const isLink = new Ajv2020({ strict: true }).compile(
	read("../schema/link.schema.json"),
);

it("each command's document is what its schema says", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	const n7 = fleet.machine("n7");
	gw1.start(["--metrics", "127.0.0.1:0", "--json"]);
	n7.start();
	const seen = new Set<string>();
	const check = async (name: string, line: string, document?: unknown) => {
		const { out, err } = await fleet.cli(`${line} --json`, document);
		const isRight = ajv.getSchema(
			`cli_fleet.schema.json#/$defs/${name.replaceAll(" ", "%20")}`,
		);
		t.true(
			isRight?.(JSON.parse(out || "null")),
			`${line}: ${out}${err}: ${ajv.errorsText(isRight?.errors)}`,
		);
		seen.add(name);
	};
	await check("push --dry-run", "push - --dry-run", gateway());
	await check("push --dry-run", "push - --dry-run --diff", gateway());
	await check("push", "push - --wait --diff", gateway());
	await check("push", "push - --wait", link);
	await check("status", "status");
	await check("history", "history gw1");
	await check("rotate", "rotate --all --idle 0");
	await check("rollback", "rollback gw1 1");
	await check("roles", "roles");
	await check("roles --apply", "roles --apply");
	const { out } = await fleet.cli("get gw1 --show-keys --json");
	t.true(isMachine(JSON.parse(out)), JSON.stringify(isMachine.errors));
	await gw1.stop();
	t.true(
		ajv.getSchema("cli_fleet.schema.json#/$defs/run")?.(
			JSON.parse(gw1.printed.split("\n")[0] as string),
		),
		gw1.printed,
	);
	seen.add("run");
	t.deepEqual([...seen].sort(), Object.keys(schema.$defs).sort());
});

test("a link is right for the parser where it is for the schema", (t) => {
	const { proxy: _, ...without } = link;
	const documents: [unknown, boolean][] = [
		[link, true],
		[without, false],
		[{ ...link, more: 1 }, false],
		[{ ...link, apiVersion: "sluice/v2" }, false],
		[{ ...link, protocol: "sctp" }, false],
		[{ ...link, metadata: { name: "a b" } }, false],
		[{ ...link, node: { machine: "n7" } }, false],
		[{ ...link, gateway: { ...link.gateway, address: 7 } }, false],
		[{ ...link, proxy: "203.0.113.10" }, false],
	];
	for (const [document, isRight] of documents) {
		const text = JSON.stringify(document);
		t.is(isLink(document), isRight, text);
		const env = { input: () => text } as Parameters<typeof readDocuments>[1];
		if (isRight) t.notThrows(() => readDocuments(["-"], env));
		else t.throws(() => readDocuments(["-"], env), { name: "Failure" }, text);
	}
});
