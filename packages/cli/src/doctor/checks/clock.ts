import { failed, ok, skipped, warning, withConfidence, type Cause, type Finding } from '../finding'

/** How far this machine's clock is ahead of a server's. */
export interface ClockObservation {
  skewMs: number
  server: string
}

// AWS refuses requests with a larger difference.
const LIMIT_MS = 5 * 60_000
const WARNING_MS = 60_000

/** Whether the clock is right enough to sign; undefined if no server told the time. */
export function checkClock(observation: ClockObservation | undefined): Finding {
  if (!observation) {
    const why = 'no server told the time'
    const finding = skipped('clock', `${why}: neither STS nor a credential endpoint`)
    return { ...finding, candidates: withConfidence('possible', [clockSkew(why)]) }
  }
  const { skewMs, server } = observation
  const off = Math.abs(skewMs)
  if (off < WARNING_MS) return ok('clock', `agrees with ${server} to the minute`)
  const seen = `the clock is ${durationText(off)} ${skewMs > 0 ? 'ahead of' : 'behind'} ${server}`
  if (off > LIMIT_MS) return failed('clock', clockSkew(seen))
  return warning('clock', seen)
}

/** The cause for a wrong clock. */
export function clockSkew(why: string): Cause {
  return {
    code: 'CLOCK_SKEW',
    why,
    fix: 'Set the clock by NTP (on AWS: chrony with 169.254.169.123; in a virtual machine after sleep: resync).',
  }
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

/** A duration in its largest unit: `15 min`. */
function durationText(ms: number): string {
  const [unit, size] = UNITS.find(([, length]) => Math.abs(ms) >= length) ?? ['s', 1_000]
  return `${Math.round(Math.abs(ms) / size)} ${unit}`
}

/** A time from now: `in 15 min`, `2 h ago`. */
export function relativeTime(ms: number): string {
  return ms > 0 ? `in ${durationText(ms)}` : `${durationText(ms)} ago`
}
