/** Counts the logins of the last second. */
export interface Throttle {
  /**
   * Whether a login at `now`, in milliseconds, is within `limit` logins a second. Only admitted logins count.
   */
  admits(now: number, limit: number): boolean
}

const WINDOW_MS = 1_000

/** Starts to count. */
export function createThrottle(): Throttle {
  let admitted: number[] = []
  return {
    admits(now, limit) {
      if (limit === Infinity) return true
      // When the clock was set back, recorded times are in the future and would count for too long.
      admitted = admitted.filter((instant) => instant <= now && now - instant < WINDOW_MS)
      if (admitted.length >= limit) return false
      admitted.push(now)
      return true
    },
  }
}
