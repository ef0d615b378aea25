import { badInput, values } from "@sluice/cli-kit";
import type { End } from "@sluice/tunnel/wire";

/** "1.2.3.4:80", "[2001:db8::1]:80". @throws Failure usage */
export function endOf(name: string, text: string): End {
	const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
	if (!match)
		throw badInput(
			`${name} must be ADDRESS:PORT, an IPv6 address in brackets, got "${text}"`,
		);
	const [, six, four, port] = match;
	return {
		address: values.address(name, (six ?? four) as string),
		port: values.port(name, port as string),
	};
}
