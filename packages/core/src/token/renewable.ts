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
  return new KeptFresh(parts)
}

// A class, as a process keeps many: its functions are there once, and not once for each value.
class KeptFresh<T> implements Renewable<T> {
  readonly #parts: RenewableParts<T>
  #held: Held<T> | undefined
  #distrusted = false
  #flight: { made: Promise<T>; forced: boolean } | undefined

  constructor(parts: RenewableParts<T>) {
    this.#parts = parts
  }

  get(options?: { forceRefresh?: boolean | undefined }): Promise<T> {
    const held = this.#held
    const forced = options?.forceRefresh === true
    if (forced || held === undefined) return this.#renewOrFail(forced || this.#distrusted)
    const nowMs = Date.now()
    if (!this.#distrusted && nowMs < held.renewalMs && nowMs >= held.sinceMs) {
      this.#parts.onReused?.(held.value)
      return held.made
    }
    const isStillGood = isGood(this.#parts.lifetime(held.value), nowMs)
    return isStillGood ? this.#renewOrKeep(held.value) : this.#renewOrFail(this.#distrusted)
  }

  discard(value: T): boolean {
    if (this.#held?.value !== value) return false
    this.#held = undefined
    return true
  }

  distrust(): void {
    this.#distrusted = true
  }

  async #renewOrKeep(kept: T): Promise<T> {
    const renewal = this.#renew(this.#distrusted)
    try {
      return await within(PATIENCE_MS, renewal, () => new Error(`no answer within ${PATIENCE_MS} ms`))
    } catch (error) {
      if (!isGood(this.#parts.lifetime(kept), Date.now())) return renewal
      this.#parts.onFailed?.(error, kept)
      return kept
    }
  }

  async #renewOrFail(forced: boolean): Promise<T> {
    try {
      return await this.#renew(forced)
    } catch (error) {
      this.#parts.onFailed?.(error, undefined)
      throw error
    }
  }

  #renew(forced: boolean): Promise<T> {
    const flight = this.#flight
    return flight && (flight.forced || !forced) ? flight.made : this.#takeOff(forced)
  }

  #takeOff(forced: boolean): Promise<T> {
    const mine = { forced, made: this.#parts.make({ forceRefresh: forced }) }
    this.#flight = mine
    mine.made.then(
      (value) => {
        // A forced flight that started later knows better.
        if (this.#flight !== mine) return
        this.#flight = undefined
        this.#distrusted = false
        const sinceMs = this.#parts.lifetime(value).since.getTime()
        this.#held = { value, made: mine.made, sinceMs, renewalMs: this.#parts.renewalMs(value) }
      },
      () => {
        if (this.#flight === mine) this.#flight = undefined
      },
    )
    return mine.made
  }
}
