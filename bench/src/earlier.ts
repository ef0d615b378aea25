/** The checkout of an earlier release, built, to measure beside. */
export const EARLIER = process.env.SLUICE_BENCH_EARLIER;
