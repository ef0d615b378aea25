// Needs root and BPF: watches a file that is replaced as Kubernetes does.
import { execFileSync } from "node:child_process";
import {
	mkdirSync,
	mkdtempSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cli } from "../src/cli.js";
import { changed, gateway, yaml } from "./helpers/documents.js";
import { it } from "./helpers/tables.js";

/** A folder as the kubelet makes it: `machine.yaml` → `..data/machine.yaml`, and `..data` is replaced. */
function configMap(folder: string) {
	let version = 0;
	return (text: string) => {
		const data = `..${++version}`;
		mkdirSync(path.join(folder, data));
		writeFileSync(path.join(folder, data, "machine.yaml"), text);
		symlinkSync(data, path.join(folder, "..new"));
		renameSync(path.join(folder, "..new"), path.join(folder, "..data"));
		if (version === 1)
			symlinkSync("..data/machine.yaml", path.join(folder, "machine.yaml"));
	};
}

/** Reads what a command prints; `until` waits for a text. */
function printing() {
	let printed = "";
	const add = (text: string) => {
		printed += text;
	};
	const until = async (text: string) => {
		while (!printed.includes(text)) await sleep(20);
	};
	return { out: add, err: add, until };
}

it("watch applies each version of a ConfigMap, and goes on after a wrong one", async (t, tables) => {
	const folder = mkdtempSync(path.join(tmpdir(), "apply-"));
	t.teardown(() => rmSync(folder, { recursive: true }));
	const write = configMap(folder);
	const stop = new AbortController();
	const { until, ...prints } = printing();
	write(yaml(gateway()));
	const ended = tables.run(cli, ["watch", path.join(folder, "machine.yaml")], {
		...{ stopped: stop.signal, ...prints },
	});
	await until("generation 1: 12 rows written, 0 deleted\n");
	write("kind: nothing");
	await until("metadata is missing\n");
	write(
		yaml(
			changed((c) => {
				c.metadata.generation = 2;
				c.services.pop();
			}),
		),
	);
	await until("generation 2: 0 rows written, 4 deleted\n");
	stop.abort();
	const { code, err } = await ended;
	t.is(code, 0);
	t.is(
		err,
		`cli_apply: watch: ${folder}/machine.yaml:1:1: apiVersion is missing\ncli_apply: watch: ${folder}/machine.yaml:1:1: metadata is missing\n`,
	);
});

it("watch tries a right document again that the machine could not take yet", async (t, tables) => {
	const folder = mkdtempSync(path.join(tmpdir(), "apply-"));
	t.teardown(() => rmSync(folder, { recursive: true }));
	const late = changed((c) => {
		Object.assign(c.config[0] ?? {}, { interface: "late0" });
	});
	writeFileSync(path.join(folder, "machine.yaml"), yaml(late));
	const stop = new AbortController();
	const { until, ...prints } = printing();
	const ended = tables.run(cli, ["watch", path.join(folder, "machine.yaml")], {
		...{ stopped: stop.signal, ...prints },
	});
	await until('no interface "late0"');
	execFileSync("ip", [
		...["link", "add", "late0", "type", "veth", "peer", "name", "late1"],
	]);
	await until("generation 1: 12 rows written");
	stop.abort();
	const { code, err } = await ended;
	t.is(code, 0);
	t.is(err, 'cli_apply: watch: no interface "late0"; see "ip -brief link"\n');
});
