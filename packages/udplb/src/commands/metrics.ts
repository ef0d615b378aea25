import { metricsCommand } from "@sluice/web-config/metrics-command";
import { readAll } from "../counters/read-all.js";
import { version } from "../version.js";

export const metrics = metricsCommand(async (context) => {
	const { registryOf } = await import("../counters/registry.js");
	return registryOf(
		() => readAll(context.kernel, context.bpffs, undefined),
		version,
		(message) => context.warn(message),
	);
});
