import { statSync } from "node:fs";
import { join } from "node:path";
import {
	Failure,
	netnsInode,
	noBpffs,
	type PinsContext,
} from "@sluice/cli-kit";
import { isBpffs } from "@sluice/maps/bpffs";
import { BpfError } from "@sluice/maps/errors";

/** Where a network namespace's dispatcher has its state. */
export interface Location {
	/** Path to the network namespace. */
	netns: string;
	/** The kernel's number of the namespace. */
	inode: number;
	bpffs: string;
	/** Directory of the pins. */
	directory: string;
}

/**
 * Finds the location of a namespace's dispatcher, whether there is a dispatcher or not.
 * @throws Failure environment: no such namespace, or no bpffs
 */
export function findLocation(netns: string, bpffs: string): Location {
	const inode = netnsInode(netns);
	if (!isBpffs(bpffs)) throw noBpffs(bpffs);
	return { netns, inode, bpffs, directory: join(bpffs, `${inode}_dispatcher`) };
}

/** Whether there is a state directory. @throws BpfError EACCES the caller may not look. */
export function isThere({ directory }: Location): boolean {
	try {
		return statSync(directory, { throwIfNoEntry: false }) !== undefined;
	} catch (cause) {
		throw new BpfError(
			`open ${directory}`,
			(cause as NodeJS.ErrnoException).code ?? "EIO",
			{ environment: true, cause },
		);
	}
}

/** What a message about a dispatcher that is not loaded says besides. */
export const NOT_LOADED = {
	code: "NOT_LOADED",
	hint: 'load it with "tubectl load"',
};

export const notLoadedText = (directory: string) =>
	`dispatcher not loaded in ${directory}`;

/** Found once for all lines of a stream. */
const locations = new WeakMap<PinsContext, Location>();

/** The dispatcher's namespace: --netns, else that of this process. */
export function locationOf(context: PinsContext): Location {
	const known = locations.get(context);
	if (known) return known;
	const location = findLocation(netnsOf(context.options), context.bpffs);
	locations.set(context, location);
	return location;
}

export const netnsOf = (options: Readonly<Record<string, unknown>>) =>
	(options.netns as string | undefined) ?? "/proc/self/ns/net";

/** There is no dispatcher, which a command needs. */
export const notLoaded = ({ directory }: Location) =>
	new Failure("environment", notLoadedText(directory), NOT_LOADED);

/** The directory belongs to a deleted namespace whose inode number was reused. */
export const leftover = ({ directory }: Location) =>
	new Failure(
		"environment",
		`${directory} is a leftover of a network namespace that is gone`,
		{ code: "NOT_LOADED", hint: 'remove it with "tubectl prune"' },
	);
