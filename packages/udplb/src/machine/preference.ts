/** The preference of our filter: after the tunnel's, before those that the kernel assigns (49152 and below). */
export const PREFERENCE = 7727;
