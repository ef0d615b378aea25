import { Failure } from "@sluice/cli-kit";
import { iproute, iprouteJson } from "./iproute.js";
import { PREFERENCE } from "./preference.js";

const HANDLE = 1;

const place = (device: string) => [
	...["dev", device, "ingress"],
	...["protocol", "all", "pref", String(PREFERENCE)],
];

/** Puts a pinned program on the ingress hook, in place of one of ours that is there, in one step. */
export async function attach(device: string, pin: string): Promise<void> {
	const there = await filterAt(device);
	if (there && !isOurs(there))
		throw new Failure(
			"failed",
			`ingress of ${device}: pref ${PREFERENCE} is taken by another filter (${there.kind})`,
			{ hint: `see "tc filter show dev ${device} ingress"` },
		);
	await addQdisc(device);
	await iproute("tc", [
		...["filter", "replace", ...place(device)],
		...["handle", String(HANDLE), "bpf", "direct-action", "object-pinned", pin],
	]);
}

/** Takes the program off the hook, if it still is the one there. @returns whether it was */
export async function detach(
	device: string,
	programId: number,
): Promise<boolean> {
	const there = await filterAt(device).catch(() => undefined);
	if (there?.options?.prog?.id !== programId) return false;
	await iproute("tc", [
		...["filter", "del", ...place(device)],
		...["handle", String(HANDLE), "bpf"],
	]);
	return true;
}

/** What is at our place on the hook: the id of a udplb program, or the kind of another filter. */
export async function findFilter(
	device: string,
): Promise<{ program?: number; foreign?: string }> {
	const there = await filterAt(device).catch(() => undefined);
	if (!there) return {};
	const program = isOurs(there) ? there.options?.prog?.id : undefined;
	return program === undefined ? { foreign: there.kind } : { program };
}

interface Filter {
	kind: string;
	options?: { handle?: string; prog?: { id: number; name?: string } };
}

async function filterAt(device: string): Promise<Filter | undefined> {
	const filters = await iprouteJson<Filter>("tc", [
		...["filter", "show", "dev", device, "ingress"],
		...["pref", String(PREFERENCE)],
	]);
	// The first line of a bpf preference is about the preference alone.
	return filters.find(
		({ kind, options }) => kind !== "bpf" || options?.handle !== undefined,
	);
}

const isOurs = ({ kind, options }: Filter) =>
	kind === "bpf" && options?.prog?.name?.startsWith("udplb") === true;

/** clsact is added where neither it nor the older ingress is there, and never removed: others use it, too. */
async function addQdisc(device: string): Promise<void> {
	const there = async () => {
		const qdiscs = await iprouteJson<{ kind: string }>("tc", [
			...["qdisc", "show", "dev", device],
		]);
		return qdiscs.some(({ kind }) => kind === "clsact" || kind === "ingress");
	};
	if (await there()) return;
	try {
		await iproute("tc", ["qdisc", "add", "dev", device, "clsact"]);
	} catch (error) {
		// Another process may have been faster.
		if (!(await there())) throw error;
	}
}
