import { tcPins } from "@sluice/maps/bpffs";

/** The maps of the tunnel programs, pinned by iproute2 in `<bpffs>/tc/globals`. */
export const tunnelPins = {
	directory: (bpffs: string) => tcPins(bpffs),
	absent: (directory: string) => ({
		message: `no pinned tables in ${directory}`,
		code: "NOT_PINNED",
		hint: "attach the programs first (scripts/attach_tc.sh), or name another bpffs with --bpffs",
	}),
	hint: "attach the programs first with scripts/attach_tc.sh",
};
