/** How long a login may take, in milliseconds. */
export const LOGIN_LIMIT_MS = 10_000
