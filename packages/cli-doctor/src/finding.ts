import type { World } from "./world.js";

/** One thing that stops the tunnel. */
export interface Finding {
	/** Stable: scripts and alerts rely on it. */
	code: string;
	/** One sentence. */
	message: string;
	/** The shell command that fixes it, to run as root. */
	fix?: string;
	/** What to find out or to do, where no command is sure to be right. */
	question?: string;
}

/** Looks at one thing and changes nothing. */
export interface Check {
	/** What it looks at, in a few words. */
	name: string;
	look(world: World): Finding[] | Promise<Finding[]>;
}
