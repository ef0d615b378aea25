/** Frames, written out in the order of their bytes. */

const hex = (...parts: string[]) =>
	Buffer.from(parts.join("").replaceAll(/\s/g, ""), "hex");

const ethernet = "020000000002 020000000001";
const key = "50613535773072643132333435363700";

/** 10.0.0.2:6080 > 10.0.0.1:6080, GUE of service 1 2, in it 1.1.1.1:4000 > 192.0.2.9:33000, SYN and ACK. */
export const tunnelled = hex(
	ethernet,
	"0800",
	"4500005c 00004000 4011 0000 0a000002 0a000001",
	"17c0 17c0 0048 0000",
	"0504a000 0001 0002",
	key,
	"45000028 00010000 4006 0000 01010101 c0000209",
	"0fa0 80e8 00000064 000000c8 5012 ffff 0000 0000",
);

/** [2001:db8::1]:53 > [2001:db8::2]:5353, 4 bytes. */
export const datagram6 = hex(
	ethernet,
	"86dd",
	"60000000 000c 11 40",
	"20010db8000000000000000000000001",
	"20010db8000000000000000000000002",
	"0035 14e9 000c 0000 61626364",
);

/** 10.0.0.2:40001 > 10.0.0.1:6080, a ping of tunnel 100 by service 1 2. */
export const ping = hex(
	ethernet,
	"0800",
	"45000038 00004000 4011 0000 0a000002 0a000001",
	"9c41 17c0 0024 0000",
	"2601a000 0001 0002",
	key,
	"00000064",
);
