/** How long a connection is idle before the operating system asks the server whether it is still there. */
export const KEEP_ALIVE_DELAY_MS = 5_000
