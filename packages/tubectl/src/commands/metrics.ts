import { metricsCommand } from "@sluice/web-config/metrics-command";

export const metrics = metricsCommand(async (context) => {
	const { collector } = await import("../state/collector.js");
	return collector(context);
});
