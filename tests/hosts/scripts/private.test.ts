// Needs root and BPF: attaches programs in hosts of their own.
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ExecutionContext } from "ava";
import { cli } from "../../helpers/cli.js";
import { ownDirectory } from "../../helpers/own-directory.js";
import { script } from "../../helpers/paths.js";
import { bpfTest, fails, hostWith, PINS } from "../../helpers/scripts.js";

/** A directory of the system's programs but for one, or with another in its place. */
async function programsWith(
	t: ExecutionContext,
	name: string,
	other?: string,
): Promise<{ PATH: string }> {
	const directory = path.join(ownDirectory(t), "bin");
	await mkdir(directory);
	for (const from of ["/usr/bin", "/usr/sbin"])
		for (const one of await readdir(from))
			if (one !== name)
				await symlink(path.join(from, one), path.join(directory, one)).catch(
					() => {},
				);
	if (other !== undefined)
		await writeFile(path.join(directory, name), other, { mode: 0o755 });
	return { PATH: directory };
}

bpfTest("what attach makes is closed to other users", async (t) => {
	const host = await hostWith(t);
	await host.run("mount", ["-t", "tmpfs", "none", "/sys/fs/bpf"]);
	await host.run("sh", ["-c", 'umask 0; "$0" eth0', script("attach_tc")]);
	const { stdout } = await host.run("stat", [
		...["-c", "%a %n", "/sys/fs/bpf", "/sys/fs/bpf/tc", PINS],
	]);
	t.is(stdout, `1700 /sys/fs/bpf\n700 /sys/fs/bpf/tc\n700 ${PINS}`);
});

bpfTest(
	"a directory of pins that others could change is refused, by scripts and commands",
	async (t) => {
		const host = await hostWith(t);
		await host.run(script("attach_tc"), ["eth0"]);
		const refused = async (place: string, because: string) => {
			await fails(
				t,
				host,
				["reattach_tc", "eth0"],
				4,
				`reattach_tc.sh: ${place} ${because} ${place}`,
			);
			const set = await cli(host, "cli_tunnel set 5 10.2.0.2 6080 0 0", {
				reject: false,
			});
			t.is(set.exitCode, 4);
			t.regex(set.stderr, new RegExp(`${place} ${because.split(";")[0]}`));
		};
		for (const place of ["/sys/fs/bpf/tc", PINS]) {
			await host.run("chmod", ["775", place]);
			await refused(
				place,
				"is writable by others; look at what is in it, then chmod go-w",
			);
			await host.run("chmod", ["755", place]);
			await host.run("chown", ["12345", place]);
			await refused(
				place,
				"belongs to user 12345; look at what is in it, then chown -R 0:0",
			);
			await host.run("chown", ["0", place]);
		}
		// The mode of an earlier release: any process that can open it can hold the lock.
		await host.run(script("reattach_tc"), ["eth0"]);
		const { stdout } = await host.run("stat", ["-c", "%a", PINS]);
		t.is(stdout, "750");
	},
);

bpfTest(
	"another writer is not waited for for ever, and is named",
	async (t) => {
		const host = await hostWith(t);
		await host.run(script("attach_tc"), ["eth0"]);
		const holder = host.spawn("flock", [
			...["--shared", PINS, "sh", "-c", "echo held; read _"],
		]);
		await holder.ready(/held/);
		// Seconds in which nothing happens need not be waited for here.
		const env = await programsWith(t, "sleep", "#!/bin/sh\n");
		await fails(
			t,
			host,
			["reattach_tc", "eth0"],
			1,
			`reattach_tc.sh: ${PINS}: process ${holder.pid} (flock) has held the lock for 30 s; try again when it has ended`,
			env,
		);
		holder.end();
		await holder.ended;
	},
);

for (const name of ["flock", "setsid", "stat"])
	bpfTest(`a machine without ${name} gets an error that says so`, async (t) => {
		const host = await hostWith(t);
		await fails(
			t,
			host,
			["attach_tc", "eth0"],
			4,
			`attach_tc.sh: no ${name} here; install ${name === "stat" ? "coreutils" : "util-linux"}`,
			await programsWith(t, name),
		);
	});

bpfTest(
	"busybox's stat is good enough, and its lack of flock is an error",
	async (t) => {
		const host = await hostWith(t);
		const mounts = async () =>
			(await host.run("grep", ["-c", " /sys/fs/bpf ", "/proc/self/mountinfo"]))
				.stdout;
		const before = await mounts();
		const busybox = (name: string) =>
			programsWith(t, name, `#!/bin/sh\nexec /usr/bin/busybox ${name} "$@"\n`);
		await host.run(script("attach_tc"), ["eth0"], {
			env: await busybox("stat"),
		});
		t.is(await mounts(), before);
		await fails(
			t,
			host,
			["attach_tc", "eth0"],
			4,
			/\nattach_tc\.sh: \S+: flock failed with exit code 127; install util-linux$/,
			await programsWith(
				t,
				"flock",
				"#!/bin/sh\necho 'flock: applet not found' >&2\nexit 127\n",
			),
		);
	},
);
