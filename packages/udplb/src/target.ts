import type { Action, Strategy } from "./schema.js";

/** Where packets to a key are to go, with all that the kernel's tables say of it. */
export interface Target {
	address: string;
	port: number;
	action: Action;
	strategy: Strategy;
	upstreams: TargetUpstream[];
}

export interface TargetUpstream {
	/** As written. Its slots go by this and the port, so that a host keeps them when its address changes. */
	host: string;
	address: string;
	port: number;
	weight: number;
	/** Whether the address is one of this machine. */
	local: boolean;
	/** By which interface this machine would send to it; 0: not known. */
	ifindex: number;
}
