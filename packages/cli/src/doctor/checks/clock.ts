import { failed, ok, skipped, type Cause, type Finding } from '../finding'
import { durationText } from './duration'

/** How far this machine's clock is ahead of a server's, or why that is not known. */
export type ClockObservation = { skewMs: number; server: string } | { reason: string }

// AWS refuses requests that are further off.
const LIMIT_MS = 5 * 60_000
const WARNING_MS = 60_000

/** Whether the clock is good enough to sign with. */
export function checkClock(observation: ClockObservation): Finding {
  if ('reason' in observation) return skipped('clock', `no time to compare with: ${observation.reason}`)
  const { skewMs, server } = observation
  const off = Math.abs(skewMs)
  if (off < WARNING_MS) return ok('clock', `agrees with ${server} to the minute`)
  const seen = `the clock is ${durationText(off)} ${skewMs > 0 ? 'ahead of' : 'behind'} ${server}`
  return off > LIMIT_MS ? failed('clock', clockSkew(seen)) : { check: 'clock', status: 'warning', seen }
}

/** The cause of a clock that is wrong. */
export function clockSkew(why: string): Cause {
  return {
    code: 'CLOCK_SKEW',
    why,
    fix: 'Set the clock by NTP (on AWS: chrony with 169.254.169.123; in a virtual machine after it slept: resync).',
  }
}
