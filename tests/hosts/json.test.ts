// Needs root and BPF: what --json prints is what docs/schemas says.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Host, type Result, testbed } from "@sluice/testbed";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { ExecutionContext } from "ava";
import { bin, cli } from "../helpers/cli.js";
import { ownDirectory } from "../helpers/own-directory.js";
import { script } from "../helpers/paths.js";
import { bpfTest } from "../helpers/scripts.js";

const folder = path.join(import.meta.dirname, "../../docs/schemas");
const schemas = readdirSync(folder).map((name) =>
	JSON.parse(readFileSync(path.join(folder, name), "utf8")),
);

const ajv = new Ajv2020({
	allErrors: true,
	strict: true,
	allowUnionTypes: true,
});
for (const schema of schemas) ajv.addSchema(schema);

/** Parts of documents, which are no documents themselves; those of cli_fleet, which needs etcd, have a test beside it. */
const parts =
	/^(common (count|end|endpoint|traffic|tables|packet|layer|fate)|cli_service rotation|cli_fleet .*)$/;

/** Runs programs on a host, and holds each document against its schema. */
class Documents {
	readonly #t: ExecutionContext;
	readonly #host: Host;
	readonly #seen = new Set<string>();

	constructor(t: ExecutionContext, host: Host) {
		this.#t = t;
		this.#host = host;
	}

	/** @param name of the schema and of its document, "cli_cfg set" */
	check(name: string, text: string): void {
		const [file = "", ...rest] = name.split(" ");
		const pointer = rest.join(" ").replaceAll(" ", "%20");
		const isRight = ajv.getSchema(`${file}.schema.json#/$defs/${pointer}`);
		if (!isRight) throw new Error(`there is no schema ${name}`);
		for (const line of text.split("\n")) {
			this.#t.true(
				isRight(JSON.parse(line)),
				`${name}: ${line}: ${ajv.errorsText(isRight.errors)}`,
			);
			this.#seen.add(name);
		}
	}

	/** Runs a command line with --json. */
	async run(name: string, line: string, input?: string): Promise<Result> {
		const result = await cli(this.#host, `${line} --json`, {
			reject: false,
			...(input === undefined ? {} : { input }),
		});
		this.#t.not(result.stdout, "", `${line}: ${result.stderr}`);
		this.check(name, result.stdout);
		return result;
	}

	/** Runs a command line that fails. */
	async fails(line: string, input = ""): Promise<void> {
		const options = { reject: false, input };
		const { stdout, stderr } = await cli(this.#host, `${line} --json`, options);
		this.#t.is(stdout, "", line);
		this.check("common error", stderr);
	}

	/** Runs a command that goes on, until it has printed a document. */
	async runs(
		name: string,
		line: string,
		meanwhile = () => sleep(50),
	): Promise<void> {
		const [program = "", ...args] = line.split(" ");
		const running = this.#host.spawn(process.execPath, [
			bin(program),
			...args,
			"--json",
		]);
		const printed = running.ready(/^\{.*\}$/m);
		let isOver = false;
		const over = () => {
			isOver = true;
		};
		printed.then(over, over);
		// What happens before it listens it does not show.
		while (!isOver) await meanwhile();
		const [document = ""] = await printed;
		await running.stop();
		this.check(name, document);
	}

	get left(): string[] {
		return schemas
			.flatMap(({ $id, $defs }) =>
				Object.keys($defs).map((name) => `${$id.split(".")[0]} ${name}`),
			)
			.filter((name) => !this.#seen.has(name) && !parts.test(name));
	}
}

/** Sends one or two SYNs without an answer. */
async function connect(host: Host, address: string): Promise<void> {
	await host.run(
		"timeout",
		["0.3", "bash", "-c", `echo >/dev/tcp/${address}/80`],
		{ reject: false },
	);
}

async function tunnels(documents: Documents, host: Host): Promise<void> {
	const { run } = bound(documents);
	await run("cli_cfg set", "cli_cfg set 0 1 gue,dnat gateway");
	await run("cli_cfg set", "cli_cfg set eth0 1 1 proxy,snat,fib,dump gateway");
	await run("cli_cfg get", "cli_cfg get all");
	await run("cli_tunnel set", "cli_tunnel set 1 10.0.0.1 6080 10.0.0.2 6080");
	await run("cli_tunnel set", "cli_tunnel set 2 10.0.0.1 6080 0 0");
	await run(
		"cli_service set",
		"cli_service set 1 2 tcp 5.5.5.5 80 6.6.6.6 80 1 key",
	);
	await run("cli_tunnel get", "cli_tunnel get all");
	await run("cli_service get", "cli_service get all --show-keys");
	for (const step of ["--prepare n3w-key", "--switch", "--finish --force"]) {
		await run("cli_service rotate", `cli_service rotate 1 2 ${step}`);
		await run("cli_service get", "cli_service get 1 2");
	}
	await run("cli_service check", "cli_service check");
	await run("cli_tunnel ping", "cli_tunnel ping 1 --count 2 --interval 0.01");
	// A packet of the service, which is encapsulated.
	await host.run("ip", ["route", "replace", "default", "via", "10.0.0.2"]);
	await documents.runs("cli_cfg dump", "cli_cfg dump --count 1", () =>
		connect(host, "6.6.6.6"),
	);
	for (const [program, all] of [
		["cli_cfg", " --all"],
		["cli_tunnel", ""],
		["cli_service", ""],
	] as const) {
		await run(`${program} stats`, `${program} stats${all}`);
		await run(
			`${program} stats --watch`,
			`${program} stats${all} --watch --count 1 --interval 0.1`,
		);
	}
	await run(
		"cli_explain cli_explain",
		"cli_explain --dev eth0 --dir egress --proto tcp 10.0.0.9:4000 6.6.6.6:80 --syn",
	);
	// A service whose tunnel has no remote, so its packets are dropped.
	await cli(host, "cli_tunnel set 9 10.0.0.1 6080 0 0");
	await cli(host, "cli_service set 9 9 tcp 5.5.5.9 80 6.6.6.9 80 9 key");
	await documents.runs("cli_monitor cli_monitor", "cli_monitor", () =>
		connect(host, "6.6.6.9"),
	);
	await cli(host, "cli_service del 9 9");
	await cli(host, "cli_tunnel del 9");
	await run("cli_doctor cli_doctor", "cli_doctor");
	await run("cli_status cli_status", "cli_status --seconds 0.1");
	await documents.runs("common metrics", "cli_metrics serve 127.0.0.1 0");
}

async function batches(documents: Documents, host: Host): Promise<void> {
	const { run } = bound(documents);
	for (const program of ["cli_cfg", "cli_tunnel", "cli_service"]) {
		await run("common save", `${program} save`);
		const { stdout } = await cli(host, `${program} save`);
		await run("common changes", `${program} restore -`, stdout);
		await run(
			"common changes --dry-run",
			`${program} restore - --dry-run`,
			stdout,
		);
	}
	await run(
		"common changes --dry-run",
		"cli_tunnel batch - --dry-run",
		"del 2",
	);
	await run("cli_tunnel get", "cli_tunnel batch --stream -", "get 1\n");
	await documents.fails("cli_tunnel batch -", "del 77\nset 1");
	await documents.fails("cli_tunnel get 42");
	await documents.fails("cli_tunnel add");
	await documents.fails("tubectl bind");
	await run("common version", "cli_cfg --version");
	await run("common help", "cli_cfg --help");
}

async function documentsOfMachines(
	documents: Documents,
	host: Host,
): Promise<void> {
	const { run } = bound(documents);
	const { stdout } = await cli(host, "cli_apply export --show-keys");
	const other = stdout.replace("5.5.5.5:80", "5.5.5.5:81");
	await run("cli_apply apply --dry-run", "cli_apply - --dry-run", other);
	await run("cli_apply apply", "cli_apply -", other);
	await run("cli_apply diff", "cli_apply diff -", stdout);
	await run("cli_apply status", "cli_apply status");
	await run("cli_service del", "cli_service del 1 2");
	await run("cli_tunnel del", "cli_tunnel del 1");
	await run("cli_cfg del", "cli_cfg del all");
}

async function sockets(
	t: ExecutionContext,
	documents: Documents,
	host: Host,
): Promise<void> {
	const { run } = bound(documents);
	const file = path.join(ownDirectory(t), "bindings.json");
	writeFileSync(
		file,
		'{"bindings":[{"label":"foo","prefix":"127.0.0.1/32","port":80}]}',
	);
	await run("tubectl version", "tubectl version");
	await run("tubectl load", "tubectl load");
	await run("tubectl bind", "tubectl bind foo tcp 127.0.0.0/8 4321");
	await run("tubectl bindings", "tubectl bindings");
	const server = host.spawn(process.execPath, [
		"-e",
		'const s = require("net").createServer().listen(9999, "127.0.0.1", () => console.log(process.pid, s._handle.fd))',
	]);
	const [, pid, fd] = await server.ready(/^(\d+) (\d+)$/m);
	await run(
		"tubectl register",
		`tubectl register-pid ${pid} foo tcp 127.0.0.1 9999 --wait 5`,
	);
	await run("tubectl status", "tubectl status");
	await run("tubectl who", "tubectl who tcp 127.0.0.9 4321");
	await run("tubectl who", "tubectl who tcp 10.0.0.9 4321");
	await run("tubectl unregister", "tubectl unregister foo ipv4 tcp");
	const state = (await host.run("sh", ["-c", "echo /sys/fs/bpf/*_dispatcher"]))
		.stdout;
	await run(
		"sk-lookup sockmap-update",
		`sockmap-update ${pid} ${fd} ${state}/sockets 0`,
	);
	await host.run("rm", [`${state}/link`]);
	await run(
		"sk-lookup sk-lookup-attach",
		`sk-lookup-attach ${state}/program ${state}/link`,
	);
	await server.stop();
	await run("tubectl upgrade", "tubectl upgrade");
	await run("tubectl unbind", "tubectl unbind foo tcp 127.0.0.0/8 4321");
	await run("tubectl load-bindings", `tubectl load-bindings ${file}`);
	await run("tubectl prune", "tubectl prune");
	await run("tubectl unload", "tubectl unload");
}

async function relay(
	t: ExecutionContext,
	documents: Documents,
	host: Host,
	peer: Host,
): Promise<void> {
	const { run } = bound(documents);
	const file = path.join(ownDirectory(t), "udplb.json");
	writeFileSync(
		file,
		'[{"key":{"address":"10.0.0.1","port":1111},"upstream":[{"address":"10.0.0.2","port":2222}]}]',
	);
	const balancer = host.spawn(process.execPath, [
		bin("udplb"),
		"-d",
		"-i",
		"eth0",
		"-c",
		file,
		"--json",
	]);
	await balancer.ready(/serving/, "stderr");
	await run("udplb stats", "udplb stats");
	await run(
		"udplb stats --watch",
		"udplb stats --watch --count 1 --interval 0.1",
	);
	await peer.run("bash", ["-c", "echo hello >/dev/udp/10.0.0.1/1111"]);
	const [decision] = await balancer.ready(/^\{.*\}$/m);
	documents.check("udplb decision", decision);
	await balancer.stop();
	documents.check("udplb log", balancer.stderr.trimEnd());
}

const bound = (documents: Documents) => ({
	run: documents.run.bind(documents),
});

bpfTest(
	"what --json prints is what its schema says, of every schema",
	async (t) => {
		t.timeout(300_000);
		const bed = testbed(t);
		const host = await bed.host("host");
		const peer = await bed.host("peer");
		await bed.link(
			{ host, name: "eth0", addresses: ["10.0.0.1/24"] },
			{ host: peer, name: "eth0", addresses: ["10.0.0.2/24"] },
		);
		await host.run(script("attach_tc"), ["eth0"]);
		const documents = new Documents(t, host);
		await tunnels(documents, host);
		await batches(documents, host);
		await documentsOfMachines(documents, host);
		await sockets(t, documents, host);
		await relay(t, documents, host, peer);
		t.deepEqual(documents.left, []);
	},
);
