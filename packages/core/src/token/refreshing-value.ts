import { withTimeout } from '../with-timeout'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
// The longest wait for a new value while the old one is valid.
export const MAX_WAIT_MS = 1_000

/** When a value may be used. All times are in milliseconds since 1970. */
export interface Lifetime {
  /** When it was created. If the clock shows an earlier time, it was set back: the next use refreshes the value. */
  madeAtMs: number
  /** From this time on, the next use refreshes the value. */
  refreshAtMs: number
  /** The start of its validity. Earlier than `madeAtMs` if setting the clock back does not invalidate it. */
  validFromMs: number
  /** When it expires; Infinity if it does not expire. */
  expiresAtMs: number
}

/** Options of {@link RefreshingValue.get}. */
export interface GetOptions {
  /** Whether to fetch a new value, even if the old one is valid. */
  forceRefresh?: boolean | undefined
  /** Longest wait in milliseconds. Default: no limit. */
  timeoutMs?: number | undefined
}

/** The current value. Using it costs two comparisons and allocates nothing, neither a Date nor a promise. */
interface Held<T> extends Lifetime {
  value: T
  result: Promise<T>
  order: number
}

/** The request that {@link RefreshingValue.fetch} gets. */
export interface FetchRequest {
  readonly forceRefresh: boolean
  /** Whether every caller has timed out waiting for it. */
  readonly isOverdue: boolean
}

class Request implements FetchRequest {
  /** The callers that wait for it. */
  callers = 0
  hasTimedOut = false

  constructor(readonly forceRefresh: boolean) {}

  get isOverdue(): boolean {
    return this.hasTimedOut && this.callers === 0
  }
}

interface InFlight<T> {
  request: Request
  result: Promise<T>
  startedAtMs: number
  /** Set by the first caller that finds the request overdue. It and all later callers await this in place of `result`. */
  fallback?: Promise<T>
  /** Counts the requests of one value: a higher number started later. */
  order: number
}

/**
 * A value that expires and is refreshed on use. Callers share one in-flight request. A failure is not cached. If a
 * refresh fails or is slow, the old value is used while it is valid. There are no timers between two uses, so that it
 * works where the process is frozen between requests, as in AWS Lambda.
 *
 * A class and not closures: a process may have many tokens, which share the methods.
 */
export abstract class RefreshingValue<T> {
  #held: Held<T> | undefined
  #inFlight: InFlight<T> | undefined
  #started = 0
  #isStale = false
  #forcedAtMs = -Infinity

  protected abstract fetch(request: FetchRequest): Promise<T>
  protected abstract lifetime(value: T): Lifetime
  /** Called when a refresh failed or was too slow. `kept` is the old value, if that is used instead. */
  protected abstract onFailed(error: unknown, kept: T | undefined): void
  protected onReused(_value: T): void {}
  protected timeoutError(timeoutMs: number): Error {
    return new Error(`no answer within ${timeoutMs} ms`)
  }

  /** Returns the current value, or fetches a new one. */
  get(options?: GetOptions): Promise<T> {
    const held = this.#held
    if (held === undefined || options?.forceRefresh === true) return this.#refresh(options)
    const nowMs = Date.now()
    if (nowMs < held.refreshAtMs && nowMs >= held.madeAtMs) {
      this.onReused(held.value)
      return held.result
    }
    return isValid(held, nowMs) ? this.#refreshOrKeep(held, options) : this.#refresh(options)
  }

  /** Drops this value if it is the current one. Returns whether it was. */
  discard(value: T): boolean {
    if (this.#held?.value !== value) return false
    this.#held = undefined
    return true
  }

  /**
   * Makes the next use force a refresh, at most once a minute. If that fails, a valid value is kept. The value stays
   * stale until a forced refresh succeeds: a normal refresh may return the same value from the source's cache.
   */
  markStale(): void {
    this.#isStale = true
    if (this.#held) this.#held.refreshAtMs = Math.min(this.#held.refreshAtMs, this.#forceAtMs())
  }

  /** Whether it can be dropped: there is no valid value and no request in flight. */
  isExpired(nowMs: number): boolean {
    if (this.#inFlight !== undefined) return false
    if (this.#held === undefined) return true
    const { expiresAtMs, refreshAtMs } = this.#held
    // A value without an expiry is dropped when it has not been used for an hour.
    return nowMs >= Math.min(expiresAtMs, refreshAtMs + HOUR_MS)
  }

  async #refreshOrKeep(held: Held<T>, options: GetOptions | undefined): Promise<T> {
    const refresh = this.#wait(this.#isForced(options), options?.timeoutMs)
    try {
      return await withTimeout(MAX_WAIT_MS, refresh, () => this.timeoutError(MAX_WAIT_MS))
    } catch (error) {
      const nowMs = Date.now()
      if (!isValid(held, nowMs)) return refresh
      // Do not call the source again at every use: pause, but retry in time before the value expires.
      const pauseMs = Math.min(Math.max((held.expiresAtMs - nowMs) / 4, MAX_WAIT_MS), MINUTE_MS)
      const dueAtMs = Math.min(this.lifetime(held.value).refreshAtMs, this.#forceAtMs())
      held.refreshAtMs = Math.max(nowMs + pauseMs, dueAtMs)
      held.madeAtMs = Math.min(held.madeAtMs, nowMs)
      this.onFailed(error, held.value)
      return held.value
    }
  }

  async #refresh(options: GetOptions | undefined): Promise<T> {
    try {
      return await this.#wait(this.#isForced(options), options?.timeoutMs)
    } catch (error) {
      this.onFailed(error, undefined)
      throw error
    }
  }

  #isForced(options: GetOptions | undefined): boolean {
    return options?.forceRefresh === true || (this.#isStale && Date.now() >= this.#forceAtMs())
  }

  /** From when on a stale value forces a refresh: a minute after the last one, also if the clock was set back since. */
  #forceAtMs(): number {
    return Math.abs(Date.now() - this.#forcedAtMs) < MINUTE_MS ? this.#forcedAtMs + MINUTE_MS : -Infinity
  }

  #wait(isForced: boolean, timeoutMs: number | undefined): Promise<T> {
    const running = this.#inFlight
    const inFlight = running && canJoin(running, isForced) ? running : this.#start(isForced)
    if (timeoutMs === undefined) return inFlight.result
    const { request, result } = inFlight
    if (request.isOverdue) inFlight.fallback ??= this.#fallback(inFlight, timeoutMs)
    const awaited = inFlight.fallback ?? result
    request.callers++
    return withTimeout(timeoutMs, awaited, () => {
      request.hasTimedOut = true
      return this.timeoutError(timeoutMs)
    }).finally(() => request.callers--)
  }

  /**
   * The result of an overdue request, or of a second one. The overdue request may still succeed, or hang for ever. So
   * the second request starts when the first fails, or after half the caller's time limit.
   */
  #fallback(overdue: InFlight<T>, timeoutMs: number): Promise<T> {
    const other = withTimeout(timeoutMs / 2, overdue.result, () => this.timeoutError(timeoutMs)).catch(() => {
      const running = this.#inFlight
      return (running && running !== overdue ? running : this.#start(overdue.request.forceRefresh)).result
    })
    return Promise.any([overdue.result, other]).catch(() => other)
  }

  #start(isForced: boolean): InFlight<T> {
    const startedAtMs = Date.now()
    if (isForced) this.#forcedAtMs = startedAtMs
    const request = new Request(isForced)
    const inFlight: InFlight<T> = {
      request,
      result: this.fetch(request),
      startedAtMs,
      order: ++this.#started,
    }
    this.#inFlight = inFlight
    inFlight.result.then(
      (value) => {
        this.#clear(inFlight)
        this.#keep(inFlight, value)
      },
      () => this.#clear(inFlight),
    )
    return inFlight
  }

  #clear(inFlight: InFlight<T>): void {
    if (this.#inFlight === inFlight) this.#inFlight = undefined
  }

  #keep({ request, result, order }: InFlight<T>, value: T): void {
    // A request that started later has already succeeded: drop this older result.
    if (this.#held && this.#held.order > order) return
    this.#held = { ...this.lifetime(value), value, result, order }
    if (request.forceRefresh) this.#isStale = false
    else if (this.#isStale) this.markStale()
  }
}

/** A map of refreshing values. Expired values are dropped on use; there are no timers. */
export class RefreshingValues<V extends RefreshingValue<unknown>> {
  readonly #values = new Map<string, V>()
  #sweptAtMs = Date.now()

  get(key: string): V | undefined {
    return this.#values.get(key)
  }

  delete(key: string): void {
    this.#values.delete(key)
  }

  add(key: string, value: V): V {
    this.#values.set(key, value)
    return value
  }

  /** Drops expired values, at most once a minute, so that the cost of a use does not grow with the number of values. */
  dropExpired(): void {
    const nowMs = Date.now()
    if (Math.abs(nowMs - this.#sweptAtMs) < MINUTE_MS) return
    this.#sweptAtMs = nowMs
    for (const [key, value] of this.#values) if (value.isExpired(nowMs)) this.#values.delete(key)
  }
}

/** The time a quarter of the lifetime before the expiry, within these margins. */
export function shortlyBefore(
  expiresAtMs: number,
  madeAtMs: number,
  margins: { leastMs: number; mostMs: number },
): number {
  const marginMs = Math.min((expiresAtMs - madeAtMs) / 4, margins.mostMs)
  return expiresAtMs - Math.max(marginMs, margins.leastMs)
}

function isValid({ validFromMs, expiresAtMs }: Lifetime, nowMs: number): boolean {
  return nowMs >= validFromMs && nowMs < expiresAtMs
}

function canJoin({ request, startedAtMs }: InFlight<unknown>, isForced: boolean): boolean {
  const isRecent = Math.abs(Date.now() - startedAtMs) < MINUTE_MS
  return isRecent && (request.forceRefresh || !isForced)
}
