import { failed, ok, type Cause, type Finding } from '../finding'
import { durationText } from './duration'

/** How far this machine's clock is ahead of a server's. */
export interface ClockObservation {
  skewMs: number
  server: string
}

// AWS refuses requests that are further off.
const LIMIT_MS = 5 * 60_000
const WARNING_MS = 60_000

/** Whether the clock is good enough to sign with; nothing is known where no server told its time. */
export function checkClock(observation: ClockObservation | undefined): Finding {
  if (!observation) {
    const why = 'no server could be asked for the time'
    return {
      check: 'clock',
      status: 'skipped',
      seen: `${why}: neither STS nor a credential endpoint`,
      suspicions: [{ ...clockSkew(why), certainty: 'possible' }],
    }
  }
  const { skewMs, server } = observation
  const off = Math.abs(skewMs)
  if (off < WARNING_MS) return ok('clock', `agrees with ${server} to the minute`)
  const seen = `the clock is ${durationText(off)} ${skewMs > 0 ? 'ahead of' : 'behind'} ${server}`
  if (off > LIMIT_MS) return failed('clock', clockSkew(seen))
  return { check: 'clock', status: 'warning', seen }
}

/** The cause of a clock that is wrong. */
export function clockSkew(why: string): Cause {
  return {
    code: 'CLOCK_SKEW',
    why,
    fix: 'Set the clock by NTP (on AWS: chrony with 169.254.169.123; in a virtual machine after it slept: resync).',
  }
}
