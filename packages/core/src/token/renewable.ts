import { within } from '../time-limit'
import { isGood, type Lifetime } from './lifetime'

// While an old value is still good nobody waits longer than this for a new one.
const PATIENCE_MS = 1_000

/** A value with an end, made when it is asked for and made again before it ends. */
export interface Renewable<T> {
  /** The value in use, or a new one. `forceRefresh` takes nothing but a new one. */
  get(options?: { forceRefresh?: boolean | undefined }): Promise<T>
  /** Never hands out this value again; tells whether it was the one in use. */
  discard(value: T): boolean
  /** Renews at the next use, and keeps the old value if that fails. */
  distrust(): void
}

/** What a {@link Renewable} is made of. */
export interface RenewableParts<T> {
  make(options: { forceRefresh: boolean }): Promise<T>
  lifetime(value: T): Lifetime
  /** From when on a use renews the value, in milliseconds since 1970. */
  renewalMs(value: T): number
  onReused?(value: T): void
  /** A renewal failed or was too slow; `kept` is the old value if it is used instead. */
  onFailed?(error: unknown, kept: T | undefined): void
}

/** The value in use. A use costs two comparisons and nothing new: neither a Date nor a promise. */
interface Held<T> {
  value: T
  made: Promise<T>
  sinceMs: number
  renewalMs: number
}

/**
 * Keeps one value fresh on use: any number of callers share one flight, a failure is not cached, an old
 * value that is still good bridges a failing renewal, and nothing runs in between (no timers), so that it
 * works where the CPU is frozen between requests.
 */
export function createRenewable<T>(parts: RenewableParts<T>): Renewable<T> {
  let held: Held<T> | undefined
  let distrusted = false
  let flight: { made: Promise<T>; forced: boolean } | undefined

  function takeOff(forced: boolean): Promise<T> {
    const mine = { forced, made: parts.make({ forceRefresh: forced }) }
    flight = mine
    mine.made.then(
      (made) => {
        // A forced flight that started later knows better.
        if (flight !== mine) return
        held = hold(made, mine.made)
        distrusted = false
        flight = undefined
      },
      () => {
        if (flight === mine) flight = undefined
      },
    )
    return mine.made
  }

  function hold(value: T, made: Promise<T>): Held<T> {
    return { value, made, sinceMs: parts.lifetime(value).since.getTime(), renewalMs: parts.renewalMs(value) }
  }

  function renew(forced: boolean): Promise<T> {
    return flight && (flight.forced || !forced) ? flight.made : takeOff(forced)
  }

  async function renewOrKeep(kept: T): Promise<T> {
    const renewal = renew(distrusted)
    try {
      return await within(PATIENCE_MS, renewal, () => new Error(`no answer within ${PATIENCE_MS} ms`))
    } catch (error) {
      if (!isGood(parts.lifetime(kept), Date.now())) return renewal
      parts.onFailed?.(error, kept)
      return kept
    }
  }

  async function renewOrFail(forced: boolean): Promise<T> {
    try {
      return await renew(forced)
    } catch (error) {
      parts.onFailed?.(error, undefined)
      throw error
    }
  }

  return {
    get(options) {
      const forced = options?.forceRefresh === true
      if (forced || held === undefined) return renewOrFail(forced || distrusted)
      const nowMs = Date.now()
      if (!distrusted && nowMs < held.renewalMs && nowMs >= held.sinceMs) {
        parts.onReused?.(held.value)
        return held.made
      }
      const { value } = held
      return isGood(parts.lifetime(value), nowMs) ? renewOrKeep(value) : renewOrFail(distrusted)
    },
    discard(refused) {
      if (held?.value !== refused) return false
      held = undefined
      return true
    },
    distrust() {
      distrusted = true
    },
  }
}
