import type { World } from "./world.js";

/** One thing that would stop the tunnel, and what mends it. */
export interface Finding {
	/** Stable: scripts and alerts go by it. */
	code: string;
	/** One sentence. */
	message: string;
	/** For a shell, as root unless it says otherwise. */
	fix: string;
}

/** Looks at one thing and changes nothing. */
export interface Check {
	/** What it looks at, in a few words. */
	name: string;
	look(world: World): Finding[] | Promise<Finding[]>;
}
