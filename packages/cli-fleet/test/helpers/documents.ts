/** A gateway's document. */
export interface Content {
	apiVersion: string;
	kind: string;
	metadata: { name: string; generation?: number };
	config: Record<string, unknown>[];
	tunnels: Record<string, unknown>[];
	services: Record<string, unknown>[];
}

/** A gateway with so many tunnels, each with a service. */
export const gateway = (name = "gw1", count = 2): Content => ({
	apiVersion: "sluice/v1",
	kind: "Machine",
	metadata: { name },
	config: [
		{
			interface: "*",
			direction: "ingress",
			id: 1,
			flags: ["gue", "dnat"],
			name: "gateway",
		},
	],
	tunnels: Array.from({ length: count }, (_, i) => ({
		id: 100 + i,
		local: "127.0.0.1:6080",
		remote: "learned",
	})),
	services: Array.from({ length: count }, (_, i) => ({
		service: 1,
		group: i,
		protocol: "tcp",
		proxy: `203.0.113.10:${1000 + i}`,
		backend: `192.168.7.2:${1000 + i}`,
		tunnel: 100 + i,
		keys: [{ text: `key-${i}` }],
	})),
});

export function changed(
	change: (content: Content) => void,
	count = 2,
): Content {
	const content = gateway("gw1", count);
	change(content);
	return content;
}

/** A link between that gateway and a node. */
export const link = {
	apiVersion: "sluice/v1",
	kind: "Link",
	metadata: { name: "web" },
	gateway: { machine: "gw1", address: "203.0.113.2:6080" },
	node: { machine: "n7", address: "10.0.0.5:6080" },
	protocol: "tcp",
	proxy: "203.0.113.10:80",
	backend: "192.168.7.2:8080",
};
