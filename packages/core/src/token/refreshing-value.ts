import { withTimeout } from '../with-timeout'

const MINUTE_MS = 60_000
// While the old value is valid, no caller waits longer than this for a new one.
const PATIENCE_MS = 1_000

/** When a value may be used. All instants are in milliseconds since 1970. */
export interface Lifetime {
  /** When it was made. An earlier time means that the clock was set back, and makes a refresh due. */
  madeAtMs: number
  /** From when on a use refreshes it. */
  refreshAtMs: number
  /** From when on it is valid; earlier than `madeAtMs` if setting the clock back does not matter. */
  validFromMs: number
  /** When it stops being valid; Infinity if it never does. */
  expiresAtMs: number
}

/** What {@link RefreshingValue.get} takes. */
export interface GetOptions {
  /** Takes nothing but a new value. */
  forceRefresh?: boolean | undefined
  /** Longest wait in milliseconds. Default: no limit. */
  timeoutMs?: number | undefined
}

/** The value in use. A use costs two comparisons and allocates nothing: neither a Date nor a promise. */
interface Held<T> extends Lifetime {
  value: T
  result: Promise<T>
  order: number
}

/** What {@link RefreshingValue.fetch} is asked for. */
export interface FetchRequest {
  readonly forceRefresh: boolean
  /** Whether a caller has waited its whole time for it. */
  isOverdue: boolean
}

interface InFlight<T> {
  request: FetchRequest
  result: Promise<T>
  startedAtMs: number
  /** Counts the requests of one value: a higher number started later. */
  order: number
}

/**
 * A value that expires and is refreshed when it is used. Callers share one in-flight request. A failure is not
 * cached. While the old value is valid, it is used instead of a refresh that fails or is slow. Nothing runs
 * between two uses (no timers), so that it works where the CPU is frozen between requests.
 *
 * A class, because a process keeps many tokens: its functions exist once, not once for each token.
 */
export abstract class RefreshingValue<T> {
  #held: Held<T> | undefined
  #inFlight: InFlight<T> | undefined
  #started = 0
  #isStale = false
  #forceAfterMs = -Infinity

  protected abstract fetch(request: FetchRequest): Promise<T>
  protected abstract lifetime(value: T): Lifetime
  /** A refresh failed or was too slow; `kept` is the old value if it is used instead. */
  protected abstract onFailed(error: unknown, kept: T | undefined): void
  protected onReused(_value: T): void {}
  protected timeoutError(timeoutMs: number): Error {
    return new Error(`no answer within ${timeoutMs} ms`)
  }

  /** The value in use, or a new one. */
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

  /** Drops this value, if it is the one in use. */
  discard(value: T): boolean {
    if (this.#held?.value !== value) return false
    this.#held = undefined
    return true
  }

  /**
   * Forces a refresh at the next use, but at most one a minute; a valid value is kept if that fails. Only a
   * forced refresh that succeeds ends this: another may bring the same value from a cache of its source.
   */
  markStale(): void {
    this.#isStale = true
    if (this.#held) this.#held.refreshAtMs = Math.min(this.#held.refreshAtMs, this.#forceAfterMs)
  }

  /** Whether it holds nothing that can be used, and nobody waits for it. */
  isExpired(nowMs: number): boolean {
    return this.#inFlight === undefined && (this.#held === undefined || nowMs >= this.#held.expiresAtMs)
  }

  async #refreshOrKeep(held: Held<T>, options: GetOptions | undefined): Promise<T> {
    const refresh = this.#wait(this.#isForced(options), options?.timeoutMs)
    try {
      return await withTimeout(PATIENCE_MS, refresh, () => this.timeoutError(PATIENCE_MS))
    } catch (error) {
      const nowMs = Date.now()
      if (!isValid(held, nowMs)) return refresh
      // The source is not asked again for every use, only soon enough before the value expires.
      const pauseMs = Math.min(Math.max((held.expiresAtMs - nowMs) / 4, PATIENCE_MS), MINUTE_MS)
      const dueAtMs = Math.min(this.lifetime(held.value).refreshAtMs, this.#forceAfterMs)
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
    return options?.forceRefresh === true || (this.#isStale && Date.now() >= this.#forceAfterMs)
  }

  #wait(isForced: boolean, timeoutMs: number | undefined): Promise<T> {
    const running = this.#inFlight
    const inFlight = running && canJoin(running, isForced) ? running : this.#start(isForced)
    if (timeoutMs === undefined) return inFlight.result
    const { request, result } = inFlight
    return withTimeout(timeoutMs, request.isOverdue ? this.#insteadOf(inFlight, timeoutMs) : result, () => {
      request.isOverdue = true
      return this.timeoutError(timeoutMs)
    })
  }

  /**
   * The result of an overdue request, or of another one: it may still answer, but it may also hang for ever. So
   * the other starts when it has failed, or half the caller's time later.
   */
  #insteadOf(overdue: InFlight<T>, timeoutMs: number): Promise<T> {
    const other = withTimeout(timeoutMs / 2, overdue.result, () => this.timeoutError(timeoutMs)).catch(() => {
      const running = this.#inFlight
      return (running && running !== overdue ? running : this.#start(overdue.request.forceRefresh)).result
    })
    return Promise.any([overdue.result, other]).catch(() => other)
  }

  #start(isForced: boolean): InFlight<T> {
    const startedAtMs = Date.now()
    if (isForced) this.#forceAfterMs = startedAtMs + MINUTE_MS
    const request = { forceRefresh: isForced, isOverdue: false }
    const inFlight = { request, result: this.fetch(request), startedAtMs, order: ++this.#started }
    this.#inFlight = inFlight
    inFlight.result.then(
      (value) => {
        this.#end(inFlight)
        this.#keep(inFlight, value)
      },
      () => this.#end(inFlight),
    )
    return inFlight
  }

  #end(inFlight: InFlight<T>): void {
    if (this.#inFlight === inFlight) this.#inFlight = undefined
  }

  #keep({ request, result, order }: InFlight<T>, value: T): void {
    // A request that started later has answered: its value is the newer one.
    if (this.#held && this.#held.order > order) return
    this.#held = { ...this.lifetime(value), value, result, order }
    if (request.forceRefresh) this.#isStale = false
    else if (this.#isStale) this.markStale()
  }
}

/** Refreshing values by key. Expired ones are dropped while it is used; nothing runs in between. */
export class RefreshingValues<V extends RefreshingValue<unknown>> {
  readonly #values = new Map<string, V>()
  #sweptAtMs = Date.now()

  get(key: string): V | undefined {
    return this.#values.get(key)
  }

  add(key: string, value: V): V {
    this.#values.set(key, value)
    return value
  }

  /** Drops the expired ones. Looks at most once a minute, so that the cost of a use does not grow with their number. */
  dropExpired(): void {
    const nowMs = Date.now()
    if (Math.abs(nowMs - this.#sweptAtMs) < MINUTE_MS) return
    this.#sweptAtMs = nowMs
    for (const [key, value] of this.#values) if (value.isExpired(nowMs)) this.#values.delete(key)
  }
}

/** A time shortly before the expiry: a quarter of the lifetime, within these margins. */
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
