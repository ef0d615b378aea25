import { Failure } from "@sluice/cli-kit";
import { readMachine } from "@sluice/machine";
import { stringify } from "yaml";

/** A document as data, which a test changes where it is about something. */
export interface Content {
	apiVersion: unknown;
	kind: unknown;
	metadata: Record<string, unknown>;
	config: Record<string, unknown>[];
	tunnels: Record<string, unknown>[];
	services: Record<string, unknown>[];
}

/** A gateway with two tunnels and two services. */
export const gateway = (): Content => ({
	apiVersion: "sluice/v1",
	kind: "Machine",
	metadata: { name: "gw1", generation: 1 },
	config: [
		{
			interface: "*",
			direction: "ingress",
			id: 1,
			flags: ["gue", "dnat"],
			name: "gateway",
		},
	],
	tunnels: [
		{ id: 100, local: "127.0.0.1:6080", remote: "learned" },
		{ id: 101, local: "127.0.0.1:6080", remote: "10.0.0.2:6080" },
	],
	services: [
		{
			service: 1,
			group: 2,
			protocol: "tcp",
			proxy: "203.0.113.10:80",
			backend: "192.168.7.2:8080",
			tunnel: 100,
			keys: [{ text: "Pa55w0rd1234567" }],
		},
		{
			service: 2,
			group: 2,
			protocol: "udp",
			proxy: "203.0.113.10:53",
			backend: "192.168.7.3:53",
			tunnel: 101,
			keys: [{ hex: "000102030405060708090a0b0c0d0e0f" }],
		},
	],
});

/** The gateway with something else about it. */
export const changed = (change: (content: Content) => void): Content => {
	const content = gateway();
	change(content);
	return content;
};

/** A list of so many tunnels and services more. */
export function many(content: Content, count: number): Content {
	for (let i = 0; i < count; i++) {
		content.tunnels.push({
			id: 1000 + i,
			local: "127.0.0.1:6080",
			remote: "learned",
		});
		content.services.push({
			service: 10,
			group: i,
			protocol: "tcp",
			proxy: `198.51.100.1:${1000 + i}`,
			backend: `192.168.8.1:${1000 + i}`,
			tunnel: 1000 + i,
			keys: [{ text: `key-${i}` }],
		});
	}
	return content;
}

export const json = (content: unknown) => JSON.stringify(content);
export const yaml = (content: unknown) => stringify(content);

/** The first row of a list, to be changed. */
export const first = (
	content: Content,
	list: "config" | "tunnels" | "services",
) => content[list][0] as Record<string, unknown>;

/** The messages with which a document is refused; none where it is accepted. */
export function mistakesOf(text: string): readonly string[] {
	try {
		readMachine("machine.yaml", Buffer.from(text));
		return [];
	} catch (error) {
		if (error instanceof Failure) return error.messages;
		throw error;
	}
}
