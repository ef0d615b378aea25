import { Failure, noInterface } from "@sluice/cli-kit";
import { defaultDevices } from "@sluice/iproute";
import { iprouteJson } from "./iproute.js";

export interface Interface {
	/** Its present name: it may be renamed. */
	name: string;
	index: number;
	/** Packets to 127.0.0.1 and ::1 come in here alone. */
	loopback: boolean;
}

interface Link {
	ifindex: number;
	ifname: string;
	link_type: string;
}

/** @param name or an alternative name of it. @throws Failure missing: no such interface; usage: not one that carries Ethernet frames */
export async function findInterface(name: string): Promise<Interface> {
	const link = await linkNamed(name);
	if (!link) throw noInterface(name);
	if (link.link_type !== "ether" && link.link_type !== "loopback")
		throw new Failure(
			"usage",
			`interface "${name}" must carry Ethernet frames, got ${link.link_type}`,
		);
	return {
		name: link.ifname,
		index: link.ifindex,
		loopback: link.link_type === "loopback",
	};
}

async function linkNamed(name: string): Promise<Link | undefined> {
	// A name of another form is none, and must not be taken for an option.
	if (!/^[^\s/-][^\s/]{0,126}$/.test(name)) return undefined;
	try {
		return (await iprouteJson<Link>("ip", ["link", "show", "dev", name]))[0];
	} catch {
		return undefined;
	}
}

/** The interface of the default route. @throws Failure usage where there is none, or several */
export async function defaultInterface(): Promise<string> {
	const names = await defaultDevices((...words) => iprouteJson("ip", words));
	const [name] = names;
	if (name !== undefined && names.length === 1) return name;
	throw new Failure(
		"usage",
		name === undefined
			? "no default route to take the interface from"
			: `default routes by several interfaces: ${names.join(", ")}`,
		{ hint: "name the interface with -i INTERFACE" },
	);
}
