import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  RefreshingValue,
  RefreshingValues,
  shortlyBefore,
  type FetchRequest,
  type GetOptions,
  type Lifetime,
} from '../../packages/core/src/token/refreshing-value'
import { rejection } from '../contract/outcome'

const START_MS = Date.parse('2026-01-01T00:00:00Z')
const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** A value whose fetches are answered by the test. By default it is refreshed after half an hour and expires after one. */
class Value extends RefreshingValue<string> {
  readonly fetches: { request: FetchRequest; resolve(value: string): void; reject(error: Error): void }[] = []
  readonly failures: unknown[][] = []
  reused = 0

  constructor(readonly times: Partial<Lifetime> = {}) {
    super()
  }
  protected fetch(request: FetchRequest): Promise<string> {
    return new Promise((resolve, reject) => this.fetches.push({ request, resolve, reject }))
  }
  protected lifetime(): Lifetime {
    const refreshAtMs = START_MS + HOUR_MS / 2
    const expiresAtMs = START_MS + HOUR_MS
    return { madeAtMs: START_MS, refreshAtMs, validFromMs: START_MS, expiresAtMs, ...this.times }
  }
  protected onFailed(error: unknown, kept: string | undefined): void {
    this.failures.push([(error as Error).message, kept])
  }
  protected override onReused(): void {
    this.reused++
  }

  /** Calls `get` and returns the number of fetches since the start. Fails a fetch that it starts. */
  async use(options?: GetOptions): Promise<number> {
    const count = this.fetches.length
    const used = this.get(options)
    if (this.fetches.length > count) this.fetches.at(-1)!.reject(new Error('down'))
    await used.catch(() => {})
    return this.fetches.length
  }
}

/** A value with the result `one`. */
async function fetched(times: Partial<Lifetime> = {}): Promise<Value> {
  const value = new Value(times)
  const first = value.get()
  value.fetches[0]?.resolve('one')
  expect(await first).toBe('one')
  return value
}

const at = (ms: number) => void vi.setSystemTime(START_MS + ms)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: START_MS })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a value', () => {
  it.each([
    ['at its start', 0, false],
    ['just before its refresh time', HOUR_MS / 2 - 1, false],
    ['at its refresh time', HOUR_MS / 2, true],
    ['before its start', -1, true],
  ])('is refreshed only at the right time: %s', async (_, ms, isRefreshed) => {
    const value = await fetched()
    at(ms)
    expect(await value.use()).toBe(isRefreshed ? 2 : 1)
    expect(value.reused).toBe(isRefreshed ? 0 : 1)
  })

  it.each([
    ['before its start, if that does not invalidate it', -1, { validFromMs: -Infinity }, true],
    ['before its start', -1, {}, false],
    ['at the start of its validity', 0, { madeAtMs: START_MS + 1 }, true],
    ['just before its expiry', HOUR_MS - 1, {}, true],
    ['at its expiry', HOUR_MS, {}, false],
  ])('is kept only if it is valid when its refresh fails: %s', async (_, ms, times, isKept) => {
    const value = await fetched(times)
    at(ms)
    const used = value.get()
    value.fetches[1]?.reject(new Error('down'))
    if (isKept) expect(await used).toBe('one')
    else await expect(used).rejects.toThrow('down')
    expect(value.failures).toEqual([['down', isKept ? 'one' : undefined]])
    // The next refresh comes after a pause.
    expect(await value.use()).toBe(isKept ? 2 : 3)
  })

  it('is not kept when it expires during the refresh that fails', async () => {
    const value = await fetched()
    at(HOUR_MS - 1)
    const used = value.get()
    at(HOUR_MS)
    value.fetches[1]?.reject(new Error('down'))
    await expect(used).rejects.toThrow('down')
  })

  it('is kept when its refresh takes longer than a second', async () => {
    const value = await fetched()
    at(HOUR_MS / 2)
    const used = value.get()
    await vi.advanceTimersByTimeAsync(SECOND_MS)
    expect(await used).toBe('one')
    expect(value.failures).toEqual([['no answer within 1000 ms', 'one']])
  })

  it.each([
    ['a minute', 400 * SECOND_MS, MINUTE_MS],
    ['a quarter of the time that is left', 40 * SECOND_MS, 10 * SECOND_MS],
    ['a second', 2 * SECOND_MS, SECOND_MS],
  ])('is refreshed again %s after a failure', async (_, leftMs, pauseMs) => {
    const value = await fetched({ refreshAtMs: START_MS + HOUR_MS - leftMs })
    at(HOUR_MS - leftMs)
    expect(await value.use()).toBe(2)
    at(HOUR_MS - leftMs + pauseMs - 1)
    expect(await value.use()).toBe(2)
    at(HOUR_MS - leftMs + pauseMs)
    expect(await value.use()).toBe(3)
  })

  it.each([
    ['a minute after the last forced refresh', 100 * SECOND_MS, 140 * SECOND_MS, MINUTE_MS, true],
    ['at its refresh time', 20 * SECOND_MS, 40 * SECOND_MS, 20 * SECOND_MS, false],
  ])('that is stale is refreshed again %s', async (_, refreshMs, expiryMs, nextMs, isForced) => {
    const value = await fetched({ refreshAtMs: START_MS + refreshMs, expiresAtMs: START_MS + expiryMs })
    value.markStale()
    expect(await value.use()).toBe(2)
    at(nextMs - 1)
    expect(await value.use()).toBe(2)
    at(nextMs)
    expect(await value.use()).toBe(3)
    expect(value.fetches.map(({ request }) => request.forceRefresh)).toEqual([false, true, isForced])
  })

  it('is fetched again after it was discarded', async () => {
    const value = await fetched()
    expect(value.discard('other')).toBe(false)
    expect(await value.use()).toBe(1)
    expect(value.discard('one')).toBe(true)
    expect(await value.use()).toBe(2)
  })
})

describe('a request in flight', () => {
  it.each([
    ['a caller', 0, {}, 1],
    ['a caller after less than a minute', MINUTE_MS - 1, {}, 1],
    ['no caller after a minute', MINUTE_MS, {}, 2],
    ['no caller after the clock was set back by a minute', -MINUTE_MS, {}, 2],
    ['no caller that forces a refresh', 0, { forceRefresh: true }, 2],
  ])('is shared with %s', (_, ms, options, fetches) => {
    const value = new Value()
    void value.get()
    at(ms)
    void value.get(options)
    expect(value.fetches).toHaveLength(fetches)
  })

  it('that is forced is shared with any caller', () => {
    const value = new Value()
    void value.get({ forceRefresh: true })
    void value.get({ forceRefresh: true })
    void value.get()
    expect(value.fetches).toHaveLength(1)
  })

  it('is left by a caller after its time limit', async () => {
    const value = new Value()
    const failed = rejection(value.get({ timeoutMs: 100 }))
    expect(value.fetches[0]?.request.isOverdue).toBe(false)
    await vi.advanceTimersByTimeAsync(100)
    expect((await failed).message).toBe('no answer within 100 ms')
    expect(value.fetches[0]?.request.isOverdue).toBe(true)
    expect(value.failures).toEqual([['no answer within 100 ms', undefined]])
  })

  it('is not overdue while another caller waits for it', async () => {
    const value = new Value()
    const impatient = value.get({ timeoutMs: 100 }).catch(() => {})
    const patient = value.get({ timeoutMs: 200 })
    await vi.advanceTimersByTimeAsync(100)
    await impatient
    expect(value.fetches[0]?.request.isOverdue).toBe(false)
    value.fetches[0]?.resolve('one')
    expect(await patient).toBe('one')
  })
})

describe('an overdue request', () => {
  async function overdue(): Promise<Value> {
    const value = new Value()
    const first = value.get({ timeoutMs: 100 }).catch(() => {})
    await vi.advanceTimersByTimeAsync(100)
    await first
    return value
  }

  it('is joined by a second one after half the time limit of a caller', async () => {
    const value = await overdue()
    const second = value.get({ timeoutMs: 100 })
    await vi.advanceTimersByTimeAsync(49)
    expect(value.fetches).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(value.fetches).toHaveLength(2)
    value.fetches[1]?.resolve('two')
    expect(await second).toBe('two')
  })

  it('gives its callers the second result, also those that came before the second request', async () => {
    const value = await overdue()
    const callers = [value.get({ timeoutMs: 100 }), value.get({ timeoutMs: 100 })]
    await vi.advanceTimersByTimeAsync(50)
    value.fetches[1]?.resolve('two')
    await vi.advanceTimersByTimeAsync(50)
    expect(await Promise.allSettled(callers)).toEqual(
      callers.map(() => ({ status: 'fulfilled', value: 'two' })),
    )
  })

  it('is followed by a second one at once when it fails', async () => {
    const value = await overdue()
    const second = value.get({ timeoutMs: 100 })
    value.fetches[0]?.reject(new Error('the first'))
    await setImmediate()
    expect(value.fetches).toHaveLength(2)
    value.fetches[1]?.reject(new Error('the second'))
    await expect(second).rejects.toThrow('the second')
  })

  it('is used when it succeeds', async () => {
    const value = await overdue()
    const second = value.get({ timeoutMs: 100 })
    await vi.advanceTimersByTimeAsync(50)
    value.fetches[0]?.resolve('one')
    expect(await second).toBe('one')
  })
})

describe('expired values', () => {
  it.each([
    ['that is valid', {}, HOUR_MS - 1, false],
    ['at its expiry', {}, HOUR_MS, true],
    [
      'without an expiry, within an hour of its refresh time',
      { expiresAtMs: Infinity },
      1.5 * HOUR_MS - 1,
      false,
    ],
    ['without an expiry, an hour after its refresh time', { expiresAtMs: Infinity }, 1.5 * HOUR_MS, true],
  ])('are told from valid ones: one %s', async (_, times, ms, isExpired) => {
    const value = await fetched(times)
    expect(value.isExpired(START_MS + ms)).toBe(isExpired)
  })

  it('include one that was never fetched, but not one that is being fetched', () => {
    const value = new Value()
    expect(value.isExpired(START_MS)).toBe(true)
    void value.get()
    expect(value.isExpired(START_MS)).toBe(false)
  })

  it('are dropped at most once a minute', async () => {
    const values = new RefreshingValues<Value>()
    const valid = values.add('valid', await fetched())
    const drop = (ms: number) => {
      values.add('expired', new Value())
      at(ms)
      values.dropExpired()
      return values.get('expired') === undefined
    }
    expect([MINUTE_MS - 1, MINUTE_MS, MINUTE_MS + 1, 0, 1].map(drop)).toEqual([
      false,
      true,
      false,
      true,
      false,
    ])
    expect(values.get('valid')).toBe(valid)
    values.delete('valid')
    expect(values.get('valid')).toBe(undefined)
  })
})

it.each([
  ['a quarter of the lifetime', 100, { leastMs: 0, mostMs: 60 }, 75],
  ['the longest margin', 1_000, { leastMs: 0, mostMs: 60 }, 940],
  ['the shortest margin', 20, { leastMs: 10, mostMs: 60 }, 10],
])('refreshes %s before the expiry', (_, lifetimeMs, margins, afterMs) => {
  expect(shortlyBefore(START_MS + lifetimeMs, START_MS, margins)).toBe(START_MS + afterMs)
})
