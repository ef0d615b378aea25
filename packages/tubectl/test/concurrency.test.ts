import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fixture } from "@sluice/testbed";
import type { ExecutionContext } from "ava";
import { kernelTest, ownDispatcher } from "./helpers/own-host.js";
import { greeter } from "./helpers/servers.js";
import { json, must, objects } from "./helpers/tubectl.js";

ownDispatcher();

const us = String(process.pid);

/**
 * Has another process connect all the time while `act` runs, which is repeated until there were 20 connections and
 * `expected` was said.
 */
async function underLoad(
	t: ExecutionContext,
	expected: readonly string[],
	act: () => Promise<void>,
): Promise<void> {
	const clients = spawn(
		process.execPath,
		[join(import.meta.dirname, "fixtures/clients.mjs")],
		{ stdio: ["pipe", "pipe", "inherit"] },
	);
	t.teardown(() => void clients.kill());
	let printed = "";
	clients.stdout.on("data", (data) => {
		printed += data;
	});
	await once(clients.stdout, "data");
	const seen = (): { count: number; said: string[] } =>
		JSON.parse(printed.trim().split("\n").at(-1) as string);
	const isEnough = ({ count, said }: ReturnType<typeof seen>) =>
		count >= 20 && expected.every((text) => said.includes(text));
	do await act();
	while (!isEnough(seen()));
	clients.stdin.end();
	await once(clients, "close");
	t.deepEqual(seen().said, expected);
}

/** Lets the clients go on for a moment. */
const moment = () => setTimeout(10);

kernelTest(
	"A socket is replaced under load without one refused connection",
	async (t) => {
		const one = await greeter(t, "one");
		const two = await greeter(t, "two");
		await must("bind", "foo", "tcp", "127.8.0.0/16", "0");
		const register = (port: number) =>
			must("register-pid", us, "foo", "tcp", "127.0.0.1", String(port));
		await register(one.port);
		await underLoad(t, ["one", "two"], async () => {
			for (let i = 0; i < 40; i++) {
				await register(i % 2 ? one.port : two.port);
				await moment();
			}
		});
	},
);

kernelTest(
	"The program is upgraded under load without one refused connection",
	async (t) => {
		const { port } = await greeter(t, "foo");
		await must("bind", "foo", "tcp", "127.8.0.0/16", "0");
		await must("register-pid", us, "foo", "tcp", "127.0.0.1", String(port));
		await underLoad(t, ["foo"], async () => {
			for (let i = 0; i < 20; i++) {
				await must("upgrade");
				await moment();
			}
		});
	},
);

kernelTest(
	"Bindings are replaced under load without one refused connection",
	async (t) => {
		const { port } = await greeter(t, "foo");
		const other = await greeter(t, "bar");
		await must("register-pid", us, "foo", "tcp", "127.0.0.1", String(port));
		await must(
			"register-pid",
			us,
			"bar",
			"tcp",
			"127.0.0.1",
			String(other.port),
		);
		await must("bind", "foo", "tcp", "127.8.0.0/16", "0");
		await underLoad(t, ["bar", "foo"], async () => {
			for (let i = 0; i < 40; i++) {
				await must("bind", i % 2 ? "foo" : "bar", "tcp", "127.8.0.0/16", "0");
				await moment();
			}
		});
	},
);

/** A process that carries out command lines, one after the other. */
function worker(lines: readonly string[][]): ChildProcess {
	return spawn(...fixture("commands", JSON.stringify(lines)), {
		stdio: ["ignore", "inherit", "inherit"],
		env: { ...process.env, SLUICE_BPF_DIR: objects },
	});
}

kernelTest(
	"Two writers and a reader at once do not disturb each other",
	async (t) => {
		const lines = (label: string, port: number) =>
			Array.from({ length: 50 }, (_, i) => [
				...["bind", label, "tcp", `10.0.0.${i}`, String(port)],
			]).flatMap((line) => [
				line,
				["un".concat(line[0] as string), ...line.slice(1)],
				line,
			]);
		const reads = Array.from({ length: 100 }, () => ["--json", "status"]);
		const ends = await Promise.all(
			[lines("foo", 1), lines("bar", 2), reads].map((all) =>
				once(worker(all), "exit"),
			),
		);
		t.deepEqual(
			ends.map(([code]) => code),
			[0, 0, 0],
		);
		const { bindings, destinations } = await json("status");
		t.is(bindings.length, 100);
		t.like(destinations, [
			{ label: "bar", bindings: 50 },
			{ label: "foo", bindings: 50 },
		]);
	},
);

kernelTest("Of two loads at once one loads", async (t) => {
	await must("unload");
	const ends = await Promise.all(
		[1, 2].map(() => once(worker([["load"]]), "exit")),
	);
	t.deepEqual(
		ends.map(([code]) => code),
		[0, 0],
	);
	await must("bind", "foo", "tcp", "127.0.0.1", "80");
});
