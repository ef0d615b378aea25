import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { close, linkInfo, openPin, programInfo } from "@sluice/maps";
import type { Location } from "./location.js";
import { hasPin, LINK, PROGRAM, TRIE, TRIE_UPGRADE, UPGRADE } from "./pins.js";

/**
 * An upgrade that was killed between swapping the program in the link and renaming its pin leaves the new program
 * running and pinned under the name that it has during the upgrade: that pin, and its trie's if it has a new one, get
 * their names now. One killed before that leaves the old program running, and a pin that the next upgrade replaces.
 */
export function settleUpgrade({ directory }: Location): void {
	const upgrade = join(directory, UPGRADE);
	if (!existsSync(upgrade)) return;
	if (pinnedProgramId(upgrade) !== linkedProgramId(directory)) return;
	if (hasPin(directory, TRIE_UPGRADE))
		renameSync(join(directory, TRIE_UPGRADE), join(directory, TRIE));
	renameSync(upgrade, join(directory, PROGRAM));
}

export function linkedProgramId(directory: string): number {
	const fd = openPin(join(directory, LINK));
	const { programId } = linkInfo(fd);
	close(fd);
	return programId;
}

function pinnedProgramId(path: string): number {
	const fd = openPin(path);
	const { id } = programInfo(fd);
	close(fd);
	return id;
}
