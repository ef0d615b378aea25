// Shows a fleet at work, on this machine's kernel: demo.ts DIRECTORY. Run by scripts/demo-fleet.sh.
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { testbed } from "@sluice/testbed";
import { OPERATOR, oneMember } from "./etcd.js";
import { GATEWAYS, picture } from "./network.js";
import { fleet, restart, type Stage, setUp, whileTraffic } from "./stage.js";

const [web, echo] = GATEWAYS;

const [directory = "/tmp"] = process.argv.slice(2);
const bed = testbed();
bed.closeOnSignal();

try {
	console.log(picture);
	const start = performance.now();
	const stage = await setUp(bed, directory, oneMember(directory));
	await push(stage);
	await requests(stage);
	await rotation(stage);
	await withoutEtcd(stage);
	await refusal(stage);
	const right = stage.terminal.sum((performance.now() - start) / 1000);
	process.exitCode = right ? 0 : 1;
} catch (error) {
	console.error(`demo-fleet.sh: ${(error as Error).message}`);
	process.exitCode = 1;
} finally {
	await bed.close();
}

async function push(stage: Stage) {
	const { terminal, files, node } = stage;
	terminal.title("Push three machines, and two links between them");
	terminal.note(readFileSync(files.web as string, "utf8").trimEnd());
	await fleet(stage, `push ${files.gw1} ${files.gw2} ${files.n7} --wait`);
	await fleet(stage, `push ${files.web} ${files.echo} --wait`);
	const status = await fleet(stage, "status");
	terminal.check(
		"every machine has applied what was pushed",
		status.match(/ ok /g)?.length === 3,
	);
	await terminal.start(node, "cli_tunnel ping all --interval 1", /PING.*/);
}

async function requests({ terminal, client, node }: Stage) {
	terminal.title(
		"A request through the tunnel, whose ids and key were generated",
	);
	await terminal.run(node, "cli_service get all | head -n 1");
	const answer = await terminal.run(
		client,
		`curl -sS --retry 5 --retry-all-errors --max-time 5 -o /dev/null -w '%{http_code} %{size_download} bytes' http://${web.proxy}/`,
	);
	terminal.check("5 MB came", answer.startsWith("200 5000000"));
}

async function rotation(stage: Stage) {
	const { terminal } = stage;
	terminal.title("New keys for all links, while datagrams go through");
	const { sent, received } = await whileTraffic(stage, echo.proxy, async () => {
		await fleet(stage, "rotate --all --idle 2");
	});
	terminal.check(
		`${sent} datagrams went, ${received} came back`,
		sent > 0 && sent === received,
	);
}

async function withoutEtcd(stage: Stage) {
	const { terminal, files } = stage;
	terminal.title("etcd is killed, while datagrams go through");
	const { sent, received } = await whileTraffic(stage, echo.proxy, async () => {
		await restart(stage, [0], () => sleep(3000));
		const file = files.gw1 as string;
		writeFileSync(
			file,
			readFileSync(file, "utf8").replaceAll(
				"name: gw1 }\n  -",
				"name: new }\n  -",
			),
		);
		await fleet(stage, `push ${file} --wait=60`);
	});
	terminal.check(
		`${sent} datagrams went, ${received} came back`,
		sent > 0 && sent === received,
	);
}

async function refusal(stage: Stage) {
	const { terminal, files, store, etcd } = stage;
	terminal.title("A machine that refuses");
	const file = files.gw2 as string;
	writeFileSync(
		file,
		readFileSync(file, "utf8").replace('interface: "*"', "interface: eth9"),
	);
	await terminal.type(
		store,
		`cli_fleet push ${file} --wait ${etcd.access(OPERATOR)}`,
	);
	const { exitCode, text } = await terminal.type(
		store,
		`cli_fleet status ${etcd.access(OPERATOR)}`,
	);
	terminal.check(
		"status shows why, and exits 1; the machine goes on with what it had",
		exitCode === 1 && text.includes('no interface "eth9"'),
	);
}
