/** Whether a moment was less than `ms` ago, also if the clock was set back since. */
export function isWithin(ms: number, sinceMs = -Infinity): boolean {
  return Math.abs(Date.now() - sinceMs) < ms
}
