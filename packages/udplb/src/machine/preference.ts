/** Our own place on the hook: behind the tunnel's, ahead of what the kernel numbers by itself (49152 and down). */
export const PREFERENCE = 7727;
