import {
	type Args,
	type Context,
	missing,
	type OptionSpec,
	values,
} from "@sluice/cli-kit";
import type { Sid } from "@sluice/maps/tables";
import { hiddenKey, plainKey, type ShowKey } from "../format.js";

export const sidPositionals = {
	"service-id": "Service id, 0 to 65535",
	"group-id": "Group id, 0 to 65535",
};

/** The ids of a service; `all` without them. */
export const sidOrAll = (args: Args): Sid | "all" =>
	args.optional("service-id") === undefined ? "all" : sidOf(args);

export const sidOf = (args: Args): Sid => ({
	service: values.u16("service-id", args.text("service-id")),
	group: values.u16("group-id", args.text("group-id")),
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
