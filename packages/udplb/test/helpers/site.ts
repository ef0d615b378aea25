export const CLIENT = "10.0.1.2";
export const CLIENT6 = "fd01::2";
/** The key of most configurations. */
export const BOX = "10.0.1.1";
export const BOX6 = "fd01::1";
export const PORT = 1111;
/** Ten upstreams on one host, as `10.0.2.11` to `10.0.2.20`. */
export const UPSTREAMS = Array.from(
	{ length: 10 },
	(_, i) => `10.0.2.${11 + i}`,
);
export const UPSTREAM = UPSTREAMS[0] as string;
export const UPSTREAM6 = "fd02::11";
/** Behind the upstreams' host, which is the gateway to it. */
export const FAR = "10.0.3.2";
