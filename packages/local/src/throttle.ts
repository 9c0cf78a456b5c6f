/** Counts the logins of the last second. */
export interface Throttle {
  /**
   * Tells whether a login at the instant `now`, in milliseconds, may go on when `limit` are let through in a second.
   * Only those that may are counted.
   */
  admits(now: number, limit: number): boolean
}

const WINDOW_MS = 1_000

/** Begins to count. */
export function createThrottle(): Throttle {
  let admitted: number[] = []
  return {
    admits(now, limit) {
      if (limit === Infinity) return true
      // A clock that was set back leaves instants of the future, which would count for long.
      admitted = admitted.filter((instant) => instant <= now && now - instant < WINDOW_MS)
      if (admitted.length >= limit) return false
      admitted.push(now)
      return true
    },
  }
}
