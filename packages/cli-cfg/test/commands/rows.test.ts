import { execFileSync } from "node:child_process";
import { type Step, session, withTables } from "@sluice/cli-kit/testing";
import { interfaceIndex } from "@sluice/maps";
import { configTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

/** An interface of this test's own, in the process's own network namespace. */
function addInterface(name: string): number {
	execFileSync("ip", ["link", "add", name, "type", "veth"]);
	return interfaceIndex(name) as number;
}

it("set changes one flag of a row", async (t, tables) => {
	addInterface("chg0");
	const index = interfaceIndex("chg0");
	const row = (flags: string) =>
		`CFG\tchg0\t${index}\tIngress\t1\tgw\t${flags}\n`;
	await session(t, tables, cli, [
		{ type: "set chg0 0 1 gue,dnat gw", out: row("3 gue,dnat") },
		{ type: "set chg0 0 +dump", out: row("11 gue,dnat,dump") },
		{ type: "set chg0 0 +dump", out: row("11 gue,dnat,dump") },
		{ type: "set chg0 0 -dnat", out: row("9 gue,dump") },
		{ type: "set chg0 0 -dump", out: row("1 gue") },
		{
			type: "set chg0 1 +dump",
			code: 3,
			err: "cli_cfg: set: no row of chg0 for egress; set it whole: cli_cfg set [<interface>] <idx> <id> <flags> <name>\n",
		},
		{
			type: "set 0 -dump",
			code: 3,
			err: "cli_cfg: set: no row of every interface for ingress; set it whole: cli_cfg set [<interface>] <idx> <id> <flags> <name>\n",
		},
		{
			type: "set chg0 0 +proxy",
			code: 2,
			err: 'cli_cfg: set: change has an unknown flag "proxy", got "proxy"; known are 1 gue, 2 dnat, 8 dump, 32 open-ping, 64 fast, 128 local, 256 peer\n',
		},
		{
			type: "set chg0 0 dump",
			code: 2,
			err: 'cli_cfg: set: change must be + or - and a flag, got "dump"; a whole row is [<interface>] <idx> <id> <flags> <name>\n',
		},
		{
			type: "batch -",
			env: { input: "set chg0 0 +dump\nset chg0 0 -gue\n" },
			out: "2 lines: 1 row written, 0 deleted\n",
		},
		{ type: "get chg0", out: `${row("8 dump")}1 row\n` },
	]);
});

it("a row for every interface is set, shown and deleted", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "set 0 5 8 node",
			out: "CFG\t*\t0\tIngress\t5\tnode\t8 dump\n",
		},
		{
			type: "set 1 4294967295 proxy,fib gw",
			out: "CFG\t*\t0\tEgress\t4294967295\tgw\t17 proxy,fib\n",
		},
		{
			type: "get all",
			out: "CFG\t*\t0\tIngress\t5\tnode\t8 dump\nCFG\t*\t0\tEgress\t4294967295\tgw\t17 proxy,fib\n2 rows\n",
		},
		{
			type: "get 1",
			out: "CFG\t*\t0\tEgress\t4294967295\tgw\t17 proxy,fib\n1 row\n",
		},
		{ type: "del 0", out: "deleted 1 row\n" },
		{ type: "get 0", code: 3, err: "cli_cfg: get: no ingress row\n" },
	]);
	t.deepEqual(
		[...tables.open(configTable).entries()],
		[
			[
				{ ifindex: 0, direction: "egress" },
				{ id: 4_294_967_295, flags: 17, name: "gw" },
			],
		],
	);
});

it("rows of an interface stand beside those of every interface", async (t, tables) => {
	const index = addInterface("wan.5@x-y");
	const wan = `CFG\twan.5@x-y\t${index}`;
	await session(t, tables, cli, [
		{ type: "set 0 1 0 a", out: "CFG\t*\t0\tIngress\t1\ta\t0\n" },
		{
			type: "set wan.5@x-y 0 2 gue,dnat,open-ping b",
			out: `${wan}\tIngress\t2\tb\t35 gue,dnat,open-ping\n`,
		},
		{
			type: "set wan.5@x-y 1 3 0x13 c",
			out: `${wan}\tEgress\t3\tc\t19 proxy,snat,fib\n`,
		},
		{
			type: "get 0",
			out: `CFG\t*\t0\tIngress\t1\ta\t0\n${wan}\tIngress\t2\tb\t35 gue,dnat,open-ping\n2 rows\n`,
		},
		{
			type: "get wan.5@x-y 1",
			out: `${wan}\tEgress\t3\tc\t19 proxy,snat,fib\n1 row\n`,
		},
		// An index alone is the row of every interface.
		{ type: "del 0", out: "deleted 1 row\n" },
		{
			type: "get wan.5@x-y",
			out: `${wan}\tIngress\t2\tb\t35 gue,dnat,open-ping\n${wan}\tEgress\t3\tc\t19 proxy,snat,fib\n2 rows\n`,
		},
		{ type: "del wan.5@x-y 0", out: "deleted 1 row\n" },
		{ type: "del wan.5@x-y", out: "deleted 1 row\n" },
		{
			type: "del wan.5@x-y",
			code: 3,
			err: 'cli_cfg: del: no row of interface "wan.5@x-y"\n',
		},
		{ type: "del wan.5@x-y --if-exists", out: "deleted 0 rows\n" },
		{ type: "get all", out: "0 rows\n" },
	]);
});

it("rows of an interface that is gone are shown and deleted by its number", async (t, tables) => {
	const index = addInterface("gone0");
	await tables.run(cli, "set gone0 0 1 dump x");
	execFileSync("ip", ["link", "delete", "gone0"]);
	await session(t, tables, cli, [
		{
			type: "get all",
			out: `CFG\t-\t${index}\tIngress\t1\tx\t8 dump\n1 row\n`,
		},
		{
			type: "get all --json",
			out: `{"rows":[{"interface":null,"ifindex":${index},"direction":"ingress","id":1,"name":"x","flags":8,"flagNames":["dump"]}]}\n`,
		},
		{ type: `del if${index}`, out: "deleted 1 row\n" },
	]);
});

it("every command has one JSON document", (t, tables) =>
	session(t, tables, cli, [
		{ type: "get all --json", out: '{"rows":[]}\n' },
		{ type: "del all --json", out: '{"deleted":[]}\n' },
		{
			type: "set 1 7 0 gw --json",
			out: '{"interface":"*","ifindex":0,"direction":"egress","id":7,"name":"gw","flags":0,"flagNames":[]}\n',
		},
		{
			type: "get 1 --json",
			out: '{"rows":[{"interface":"*","ifindex":0,"direction":"egress","id":7,"name":"gw","flags":0,"flagNames":[]}]}\n',
		},
		{
			type: "get 0 --json",
			code: 3,
			err: '{"error":{"code":"NOT_FOUND","message":"no ingress row"}}\n',
		},
		{
			type: "del 1 --json",
			out: '{"deleted":[{"interface":"*","ifindex":0,"direction":"egress"}]}\n',
		},
		{
			type: "set 1 7 64 gw --json",
			code: 2,
			err: '{"error":{"code":"USAGE","message":"flags has unknown bits 64, got \\"64\\"; known are 1 proxy, 2 snat, 8 dump, 16 fib, 32 peer"}}\n',
		},
	]));

const usage =
	"usage: cli_cfg set [<interface>] <idx> <id> <flags> <name> | cli_cfg set [<interface>] <idx> <change>";

const refused = (type: string | string[], message: string, code = 2): Step => ({
	type,
	code,
	err: `cli_cfg: ${typeof type === "string" ? type.split(" ")[0] : type[0]}: ${message}\n`,
});

it("what cannot be used is refused, and nothing is changed", async (t, tables) => {
	await session(t, tables, cli, [
		refused("set 2 1 0 x", 'idx must be an integer from 0 to 1, got "2"'),
		refused(
			"set 0 4294967296 0 x",
			'id must be an integer from 0 to 4294967295, got "4294967296"',
		),
		refused(
			"set 0 -1 0 x",
			'id must be an integer from 0 to 4294967295, got "-1"',
		),
		refused(
			"set 0 1 16 x",
			'flags has unknown bits 16, got "16"; known are 1 gue, 2 dnat, 8 dump, 32 open-ping, 64 fast, 128 local, 256 peer',
		),
		refused(
			"set 1 1 proxy,dnat x",
			'flags has an unknown flag "dnat", got "proxy,dnat"; known are 1 proxy, 2 snat, 8 dump, 16 fib, 32 peer',
		),
		refused(
			"set 1 1 0xg x",
			'flags must be an integer from 0 to 4294967295, got "0xg"',
		),
		refused(
			["set", "1", "1", "", "x"],
			'flags has an unknown flag "", got ""; known are 1 proxy, 2 snat, 8 dump, 16 fib, 32 peer',
		),
		refused(
			["set", "1", "1", "0", "n".repeat(32)],
			"name must be at most 31 bytes long, got 32",
		),
		refused(
			["set", "1", "1", "0", "ä".repeat(16)],
			"name must be at most 31 bytes long, got 32",
		),
		refused(
			["set", "1", "1", "0", "a\tb"],
			'name must have no control characters, got "a\\tb"',
		),
		refused(
			"set 1 1 0",
			'change must be + or - and a flag, got "0"; a whole row is [<interface>] <idx> <id> <flags> <name>',
		),
		refused("set a b 1 1 0 x", `unexpected argument "x"\n${usage}`),
		refused("set all 1 1 0 x", 'interface must be the name of one, got "all"'),
		refused("set nope 1 1 0 x", 'no interface "nope"; see "ip -brief link"', 3),
		refused("get nope", 'no interface "nope"; see "ip -brief link"', 3),
		refused("get lo 2", 'idx must be an integer from 0 to 1, got "2"'),
		refused("get all 1", 'nothing may follow all, got "1"'),
		refused("del 0 1", 'nothing may follow 0, got "1"'),
		{ type: "get all", out: "0 rows\n" },
	]);
});

it("a name may have any text of 31 bytes", async (t, tables) => {
	for (const name of ["n".repeat(31), "a b", "ä€", "--x".slice(2), ""])
		t.is(
			JSON.parse(
				(await tables.run(cli, ["set", "0", "1", "0", name, "--json"])).out,
			).name,
			name,
		);
});

withTables(test, { maxEntries: { map_config: 1 } })(
	"a full table takes no second row, and changes to the one it has",
	(t, tables) =>
		session(t, tables, cli, [
			{ type: "set 0 1 0 x", out: "CFG\t*\t0\tIngress\t1\tx\t0\n" },
			{
				type: "set 1 1 0 x",
				code: 1,
				err: "cli_cfg: set: write map_config: the table is full (E2BIG)\n",
			},
			{ type: "set 0 2 0 y", out: "CFG\t*\t0\tIngress\t2\ty\t0\n" },
		]),
);
