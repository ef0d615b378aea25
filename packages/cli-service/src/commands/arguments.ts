import {
	type Args,
	type Context,
	missing,
	type OptionSpec,
	values,
} from "@sluice/cli-kit";
import type { Sid } from "@sluice/maps/tables";
import { hiddenKey, plainKey, type ShowKey } from "../format.js";

/** The ids that get and del are given: `all`, or a service's two. */
export function sidOrAll(args: Args): Sid | "all" {
	const service = args.optional("service-id");
	return service === undefined ? "all" : sidOf(service, args.text("group-id"));
}

export const sidOf = (service: string, group: string): Sid => ({
	service: values.u16("service-id", service),
	group: values.u16("group-id", group),
});

/** @throws Failure missing */
export const noService = ({ service, group }: Sid) =>
	missing(`no service ${service} ${group}`);

export const showKeysOption: OptionSpec = {
	type: "boolean",
	describe: "Show the keys [also: SLUICE_SHOW_KEYS=1]",
};

export const keysShown = (asked: boolean, { env }: Context): ShowKey =>
	asked || env.vars.SLUICE_SHOW_KEYS === "1" ? plainKey : hiddenKey;
