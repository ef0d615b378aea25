import type { Host } from "./host.js";

/** One end of a link: an interface of a host. */
export type End = {
	host: Host;
	/** The interface's name. */
	name: string;
	/** Both families, with prefix lengths: "10.0.0.1/24", "fd00::1/64". */
	addresses?: readonly string[];
	/** Made by the testbed when it is left out, the same in every run. */
	mac?: string;
};

export type LinkOptions = {
	/** Of both ends; 1500 by default. */
	mtu?: number;
	/** False: segmentation and receive offloads off at both ends. On by default. */
	offloads?: boolean;
};

/** A veth pair between two hosts. */
export class Link {
	readonly ends: readonly [End, End];

	private constructor(ends: readonly [End, End]) {
		this.ends = ends;
	}

	static async make(
		ends: readonly [End, End],
		macs: readonly [string, string],
		options: LinkOptions,
	): Promise<Link> {
		const [a, b] = ends;
		await a.host.run("ip", [
			...["link", "add", "name", a.name, "address", a.mac ?? macs[0]],
			...["type", "veth"],
			...["peer", "name", b.name, "address", b.mac ?? macs[1]],
			...["netns", String(b.host.pid)],
		]);
		const link = new Link(ends);
		if (options.mtu !== undefined) await link.mtu(options.mtu);
		if (options.offloads === false) await link.offloads(false);
		await link.#each(({ host, name, addresses = [] }) => {
			const lines = addresses.map(
				(address) =>
					`address add ${address} dev ${name}${address.includes(":") ? " nodad" : ""}`,
			);
			return host.run("ip", ["-batch", "-"], {
				input: `link set ${name} up\n${lines.join("\n")}\n`,
			});
		});
		return link;
	}

	/** Changes the MTU of both ends. */
	async mtu(bytes: number): Promise<void> {
		await this.#each(({ host, name }) =>
			host.run("ip", ["link", "set", name, "mtu", String(bytes)]),
		);
	}

	/** Switches segmentation and receive offloads at both ends. */
	async offloads(on: boolean): Promise<void> {
		const state = on ? "on" : "off";
		const features = ["gso", "tso", "gro"].flatMap((name) => [name, state]);
		await this.#each(({ host, name }) =>
			host.run("ethtool", ["-K", name, ...features]),
		);
	}

	async #each(act: (end: End) => Promise<unknown>): Promise<void> {
		await Promise.all(this.ends.map(act));
	}
}
