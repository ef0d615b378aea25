import {
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs, testbed, testWith } from "@sluice/testbed";
import test from "ava";
import { execa } from "execa";

const here = join(import.meta.dirname, "..");
const server = join(here, "dist/echo-server.cjs");
const tubectl = join(here, "../../packages/tubectl/dist/tubectl.cjs");

/** The units, with commands where they are here. */
function unitsIn(directory: string): string[] {
	mkdirSync(directory, { recursive: true });
	return readdirSync(join(here, "systemd")).map((name) => {
		const path = join(directory, name);
		const text = readFileSync(join(here, "systemd", name), "utf8");
		writeFileSync(
			path,
			text
				.replaceAll("/usr/local/bin/echo-server", server)
				.replaceAll("/usr/local/bin/tubectl", tubectl),
		);
		return path;
	});
}

test("systemd-analyze finds nothing wrong with the units", async (t) => {
	const directory = mkdtempSync(join(tmpdir(), "units-"));
	t.teardown(() => rmSync(directory, { recursive: true }));
	const { exitCode, stderr } = await execa(
		"systemd-analyze",
		["verify", "--man=no", ...unitsIn(directory)],
		{ reject: false },
	);
	t.is(exitCode, 0, stderr);
	t.is(stderr, "");
});

testWith(
	test,
	needs.root,
	needs.bpf,
)(
	"Sockets that a service manager holds are registered, and the server answers on them",
	async (t) => {
		const bed = testbed(t);
		const host = await bed.host("one");
		await host.run("ip", ["link", "set", "lo", "up"]);
		const run = (...args: string[]) => host.run(tubectl, args);
		await run("load");
		await run("bind", "example", "tcp", "127.0.0.128/25", "0");
		const activated = host.spawn("systemd-socket-activate", [
			...["--listen", "127.0.0.1:1234", "--listen", "[::1]:1235"],
			...["sh", "-c", `"${tubectl}" register example >&2 && exec "${server}"`],
		]);
		t.teardown(() => activated.stop());
		// The first connection is what starts the service.
		const first = await answered(() => ask(host, "127.0.0.1", 1234));
		t.is(first, "hello");
		t.is(await ask(host, "127.0.0.200", 80), "hello");
		const { stdout } = await run("status", "--json");
		const { destinations } = JSON.parse(stdout);
		t.is(destinations.length, 2);
		t.true(destinations[0].lookups >= 1);
	},
);

type Host = Awaited<ReturnType<Awaited<ReturnType<typeof testbed>>["host"]>>;

async function ask(host: Host, address: string, port: number) {
	const { stdout } = await host.run(
		"nc.openbsd",
		["-w", "5", "-q", "5", address, String(port)],
		{ input: "hello\n", reject: false },
	);
	return stdout;
}

/** Connects until a server listens. */
async function answered(ask: () => Promise<string>): Promise<string> {
	for (let i = 0; ; i++) {
		const answer = await ask();
		if (answer !== "" || i === 50) return answer;
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}
