import { badInput } from "@sluice/cli-kit";

/** Where things are in the store, below one prefix. */
export class Paths {
	readonly prefix: string;

	constructor(prefix: string) {
		if (!/^\/[\w./-]*[\w.-]$/.test(prefix))
			throw badInput(
				`prefix must be a path such as /sluice/v1, got "${prefix}"`,
			);
		this.prefix = `${prefix}/`;
	}

	/** Of one machine's rows, keys and commit marker. */
	machine = (name: string) => `${this.prefix}machines/${name}/`;
	commit = (name: string) => `${this.machine(name)}${COMMIT}`;
	/** What an agent writes. */
	status = (name: string) => `${this.statuses}${name}/`;
	get statuses() {
		return `${this.prefix}status/`;
	}
	/** One key for each machine that was ever pushed. */
	get names() {
		return `${this.prefix}names/`;
	}
	history = (name: string) => `${this.prefix}history/${name}/`;
	link = (name: string) => `${this.prefix}links/${name}`;
	tunnelId = (id: number) => `${this.prefix}ids/tunnels/${id}`;
	sid = (sid: string) => `${this.prefix}ids/sids/${sid}`;
}

export const DEFAULT_PREFIX = "/sluice/v1";

/** Beside a machine's rows. */
export const COMMIT = "commit";
