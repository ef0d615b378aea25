import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import test from "ava";

const require = createRequire(import.meta.url);

/** Packages of command lines, and the objects that go with them. */
const packages: Readonly<Record<string, readonly string[]>> = {
	"cli-apply": [],
	"cli-cfg": [],
	"cli-doctor": [],
	"cli-explain": [
		"pfc_egress_l3_tc.o",
		"pfc_egress_tc.o",
		"pfc_ingress_l3_tc.o",
		"pfc_ingress_tc.o",
	],
	"cli-metrics": [],
	"cli-monitor": ["drop_monitor.o"],
	"cli-service": [],
	"cli-status": [],
	"cli-tunnel": [],
	"sk-lookup": [],
	tubectl: ["dispatcher.o"],
	udplb: ["udplb_tc.o"],
};

const folderOf = (name: string) =>
	path.dirname(require.resolve(`@sluice/${name}/package.json`));

interface Manifest {
	bin: Record<string, string>;
	man: string[];
}

const manifestOf = (name: string): Manifest =>
	JSON.parse(readFileSync(path.join(folderOf(name), "package.json"), "utf8"));

let tarballs: Map<string, string[]> | undefined;

/** The paths in a package's tarball. */
function packed(name: string): string[] {
	tarballs ??= packAll();
	return tarballs.get(`@sluice/${name}`) ?? [];
}

/** All of them at once: npm is slow to start. */
function packAll(): Map<string, string[]> {
	const workspaces = [...Object.keys(packages), "datapath"].map(
		(name) => `--workspace=@sluice/${name}`,
	);
	const list: { name: string; files: { path: string }[] }[] = JSON.parse(
		execFileSync(
			"npm",
			["pack", "--dry-run", "--json", "--ignore-scripts", ...workspaces],
			{
				cwd: path.join(import.meta.dirname, "../../.."),
				encoding: "utf8",
				stdio: ["ignore", "pipe", "ignore"],
			},
		),
	);
	return new Map(
		list.map(({ name, files }) => [name, files.map(({ path }) => path)]),
	);
}

for (const [name, objects] of Object.entries(packages)) {
	test(`the tarball of ${name} has everything that its programs take`, (t) => {
		const files = packed(name);
		for (const [bin, bundle] of Object.entries(manifestOf(name).bin)) {
			for (const file of [
				path.normalize(bundle),
				`dist/man/${bin}.8`,
				`dist/completions/${bin}.bash`,
				`dist/completions/_${bin}`,
				`dist/completions/${bin}.fish`,
			])
				t.true(files.includes(file), file);
		}
		for (const object of objects)
			t.true(files.includes(`dist/bpf/${object}`), object);
		t.deepEqual(
			files.filter((file) => /\.ts$|^src|^test|describe/.test(file)),
			[],
		);
	});

	test(`the manual pages of ${name} say what --help says, in good roff`, (t) => {
		const { bin, man } = manifestOf(name);
		t.is(man.length, Object.keys(bin).length);
		for (const page of man) {
			const file = path.join(folderOf(name), page);
			t.true(existsSync(file), file);
			const lint = execFileSync("mandoc", ["-T", "lint", "-W", "error", file], {
				encoding: "utf8",
			});
			t.is(lint, "");
			t.is(
				execFileSync(
					"sh",
					["-c", `man --warnings -l ${file} 2>&1 >/dev/null`],
					{
						encoding: "utf8",
					},
				),
				"",
			);
			const program = path.basename(page, ".8");
			const help = execFileSync(
				process.execPath,
				[path.join(folderOf(name), bin[program] as string), "--help"],
				{ encoding: "utf8", env: { ...process.env, COLUMNS: "80" } },
			);
			const text = plain(
				execFileSync("mandoc", ["-T", "utf8", "-O", "width=500", file], {
					encoding: "utf8",
				}),
			);
			for (const option of new Set(help.match(/--[a-z][a-z-]+/g)))
				t.true(text.includes(option), `${page}: ${option}`);
		}
	});
}

/** Without overstriking. */
const plain = (text: string) =>
	// biome-ignore lint/suspicious/noControlCharactersInRegex: a backspace is how bold is printed
	text.replaceAll(/.\u0008/gu, "");

test("the scripts' manual pages say what --help says, in good roff", (t) => {
	const { bin, man } = manifestOf("datapath");
	t.deepEqual(
		man.map((page) => path.basename(page, ".8")),
		Object.keys(bin),
	);
	for (const page of man) {
		const file = path.join(folderOf("datapath"), page);
		t.is(
			execFileSync("mandoc", ["-T", "lint", "-W", "error", file], {
				encoding: "utf8",
			}),
			"",
		);
		const script = bin[path.basename(page, ".8")] as string;
		const help = execFileSync(
			path.join(folderOf("datapath"), script),
			["--help"],
			{ encoding: "utf8" },
		);
		const text = plain(
			execFileSync("mandoc", ["-T", "utf8", "-O", "width=500", file], {
				encoding: "utf8",
			}),
		).replaceAll(/\s+/g, " ");
		for (const word of help.split(/\s+/).slice(0, 40))
			if (word !== "Environment") t.true(text.includes(word), word);
	}
});

test("the tarball of datapath has the scripts, the objects and their sources", (t) => {
	const files = packed("datapath");
	for (const file of [
		...["attach", "detach", "reattach", "show"].map(
			(name) => `dist/scripts/${name}_tc.sh`,
		),
		"dist/man/attach_tc.sh.8",
		...["lib", "hooks", "attaching", "migrating"].map(
			(name) => `dist/scripts/${name}.sh`,
		),
		"dist/bpf/Makefile",
		"dist/bpf/dist/pfc_egress_tc.o",
		"dist/bpf/dist/pfc_egress_l3_tc.o",
		"dist/bpf/dist/pfc_ingress_tc.o",
		"dist/bpf/dist/pfc_ingress_l3_tc.o",
		"dist/bpf/lib/packet.h",
		"dist/bpf/tunnel/tables.h",
		"dist/bpf/tunnel/pfc_egress_tc.bpf.c",
	])
		t.true(files.includes(file), file);
});
