import { channel } from 'node:diagnostics_channel'
import { EventEmitter, once } from 'node:events'
import { createTokenProvider, type TokenProvider } from '@rds-iam/core'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rejection } from '../contract/outcome'

const START = new Date('2026-01-01T00:00:00Z')
const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

type Identity = { accessKeyId: string; secretAccessKey: string; expiration?: Date }
type Source = (options?: { forceRefresh?: boolean }) => Promise<Identity>

/** A credential source that counts, and whose sessions live a given time. */
function createSource(lifetimeMs?: number) {
  const asked: boolean[] = []
  const source: Source = async (options) => {
    asked.push(options?.forceRefresh === true)
    const identity = { accessKeyId: `ASIA${asked.length}`, secretAccessKey: 'secret' }
    return lifetimeMs === undefined
      ? identity
      : { ...identity, expiration: new Date(Date.now() + lifetimeMs) }
  }
  return { source, asked }
}

function createProvider(credentials: Source, timeoutMs = 5_000): TokenProvider {
  return createTokenProvider({
    host: 'db.abc.eu-west-1.rds.amazonaws.com',
    port: 5432,
    user: 'app',
    credentials: credentials as never,
    timeoutMs,
  })
}

const keyOf = ({ value }: { value: string }) => /X-Amz-Credential=(\w+)/.exec(value)?.[1]
const pass = (ms: number) => void vi.setSystemTime(Date.now() + ms)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a token', () => {
  it.each([
    ['15 minutes', undefined, 15 * MINUTE_MS],
    ['15 minutes', HOUR_MS, 15 * MINUTE_MS],
    ['the end of its credentials', 10 * MINUTE_MS, 10 * MINUTE_MS],
    ['the end of its credentials', MINUTE_MS, MINUTE_MS],
  ])('is good until %s (credentials that live %s ms)', async (_, credentialsMs, goodMs) => {
    const { issuedAt, expiresAt } = await createProvider(createSource(credentialsMs).source).getToken()
    expect(issuedAt).toEqual(START)
    expect(expiresAt.getTime() - issuedAt.getTime()).toBe(goodMs)
  })

  it.each([
    [HOUR_MS, 13 * MINUTE_MS, false],
    [HOUR_MS, 14.5 * MINUTE_MS, true],
    [MINUTE_MS, 40 * SECOND_MS, false],
    [MINUTE_MS, 50 * SECOND_MS, true],
    [8 * SECOND_MS, 5 * SECOND_MS, false],
    [8 * SECOND_MS, 7 * SECOND_MS, true],
  ])(
    'signed by credentials of %d ms and asked for after %d ms is renewed: %s',
    async (credentialsMs, afterMs, renewed) => {
      const provider = createProvider(createSource(credentialsMs).source)
      const first = await provider.getToken()
      pass(afterMs)
      expect((await provider.getToken()) !== first).toBe(renewed)
    },
  )

  it('is signed anew when the clock went back before its time', async () => {
    const provider = createProvider(createSource(HOUR_MS).source)
    const first = await provider.getToken()
    pass(-10 * MINUTE_MS)
    const second = await provider.getToken()
    expect(second.issuedAt.getTime()).toBe(first.issuedAt.getTime() - 10 * MINUTE_MS)
  })

  it('from a time to come does not stand in for one that cannot be signed', async () => {
    const { source } = createSource(HOUR_MS)
    let isDown = false
    const provider = createProvider(() => (isDown ? Promise.reject(new Error('down')) : source()))
    await provider.getToken()
    isDown = true
    pass(-MINUTE_MS)
    expect(await rejection(provider.getToken())).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' })
  })

  it('is always good when it is handed out, whatever the clock does', async () => {
    const step = fc.integer({ min: -HOUR_MS, max: HOUR_MS })
    const lifetime = fc.integer({ min: 2 * SECOND_MS, max: 12 * HOUR_MS })
    await fc.assert(
      fc.asyncProperty(lifetime, fc.array(step, { maxLength: 20 }), async (lifetimeMs, steps) => {
        vi.setSystemTime(START)
        const provider = createProvider(createSource(lifetimeMs).source)
        for (const ms of steps) {
          pass(ms)
          const { issuedAt, expiresAt } = await provider.getToken()
          expect(issuedAt.getTime()).toBeLessThanOrEqual(Date.now())
          expect(expiresAt.getTime()).toBeGreaterThan(Date.now())
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('credentials', () => {
  it('are looked up once, and sign once, for any number of callers', async () => {
    const { source, asked } = createSource()
    const provider = createProvider(source)
    const tokens = await Promise.all(Array.from({ length: 200 }, () => provider.getToken()))
    expect(new Set(tokens).size).toBe(1)
    expect(asked).toEqual([false])
  })

  it('that live a minute are looked up at most twice for ten tokens', async () => {
    const { source, asked } = createSource(MINUTE_MS)
    const provider = createProvider(source)
    for (let i = 0; i < 10; i++) {
      await provider.getToken()
      pass(9 * SECOND_MS)
    }
    expect(asked).toHaveLength(2)
  })

  it('are asked for anew, and sign anew, when that is forced', async () => {
    const { source, asked } = createSource(HOUR_MS)
    const provider = createProvider(source)
    await provider.getToken()
    const [one, other] = await Promise.all([1, 2].map(() => provider.getToken({ forceRefresh: true })))
    expect(one).toBe(other)
    expect(keyOf(one!)).toBe('ASIA2')
    expect(asked).toEqual([false, true])
    expect(await provider.getToken()).toBe(one)
  })

  it('are asked for anew though a look-up is in the air, whose late answer is not kept', async () => {
    const source = new EventEmitter()
    const provider = createProvider(() => new Promise((answer) => source.emit('asked', answer)))
    const ask = async (options?: { forceRefresh: boolean }) => {
      const asked = once(source, 'asked')
      const token = provider.getToken(options)
      const [answer] = (await asked) as [(identity: Identity) => void]
      return { token, answer: (accessKeyId: string) => answer({ accessKeyId, secretAccessKey: 'secret' }) }
    }
    const early = await ask()
    const forced = await ask({ forceRefresh: true })
    forced.answer('ASIAFORCED')
    expect(keyOf(await forced.token)).toBe('ASIAFORCED')
    early.answer('ASIAEARLY')
    expect(keyOf(await early.token)).toBe('ASIAEARLY')
    expect(await provider.getToken()).toBe(await forced.token)
  })

  it('that have ended make no token, even if a provider keeps giving them', async () => {
    const expired = {
      accessKeyId: 'ASIA',
      secretAccessKey: 'secret',
      expiration: new Date(START.getTime() - 1),
    }
    const forced: unknown[] = []
    const provider = createProvider(async (options) => {
      forced.push(options?.forceRefresh)
      return expired
    })
    expect(await rejection(provider.getToken())).toMatchObject({ code: 'CREDENTIALS_EXPIRED' })
    expect(forced).toEqual([false, true])
    const fixed = createTokenProvider({
      host: 'localhost',
      port: 1,
      user: 'a',
      region: 'us-east-1',
      credentials: expired,
    })
    expect(await rejection(fixed.getToken())).toMatchObject({ code: 'CREDENTIALS_EXPIRED' })
  })

  it.each([
    ['nothing', undefined],
    ['no secret', { accessKeyId: 'a' }],
    ['an expiration that is no Date', { accessKeyId: 'a', secretAccessKey: 'b', expiration: '2026' }],
  ])('that are %s are CREDENTIALS_UNAVAILABLE', async (_, identity) => {
    const error = await rejection(createProvider(async () => identity as never).getToken())
    expect(error).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE', cause: expect.any(TypeError) })
  })
})

describe('a source that fails', () => {
  it('once is asked again', async () => {
    const { source } = createSource()
    let failures = 1
    const provider = createProvider((options) =>
      failures-- > 0 ? Promise.reject(new Error('hiccup')) : source(options),
    )
    expect(keyOf(await provider.getToken())).toBe('ASIA1')
  })

  it('for longer is CREDENTIALS_UNAVAILABLE with its error as the cause, and is not remembered', async () => {
    const { source } = createSource()
    let down = true
    const provider = createProvider((options) => (down ? Promise.reject(new Error('down')) : source(options)))
    const error = await rejection(provider.getToken())
    expect(error).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE', cause: { message: 'down' } })
    down = false
    expect(keyOf(await provider.getToken())).toBe('ASIA1')
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('down'))],
    ['hangs', () => new Promise<never>(() => {})],
  ])(
    'and %s while a short session is renewed bridges with the old token, until that ends',
    async (_, fault) => {
      const { source } = createSource(10 * MINUTE_MS)
      let answer: Source = source
      const provider = createProvider((options) => answer(options), 1_500)
      const token = await provider.getToken()
      answer = fault
      pass(9.5 * MINUTE_MS)
      expect(keyOf(await provider.getToken())).toBe('ASIA1')
      pass(MINUTE_MS)
      expect(token.expiresAt.getTime()).toBeLessThan(Date.now())
      expect(['CREDENTIALS_UNAVAILABLE', 'TOKEN_TIMEOUT']).toContain(
        (await rejection(provider.getToken())).code,
      )
      answer = source
      expect(keyOf(await provider.getToken())).toBe('ASIA2')
    },
  )

  it('by hanging ends in TOKEN_TIMEOUT', async () => {
    const provider = createProvider(() => new Promise(() => {}), 50)
    const error = await rejection(provider.getToken())
    expect(error).toMatchObject({ code: 'TOKEN_TIMEOUT', message: expect.stringContaining('50 ms') })
  })

  it('when a new token is forced fails, though the old one is good', async () => {
    const { source } = createSource(HOUR_MS)
    let answer: Source = source
    const provider = createProvider((options) => answer(options))
    await provider.getToken()
    answer = () => Promise.reject(new Error('down'))
    expect(await rejection(provider.getToken({ forceRefresh: true }))).toMatchObject({
      code: 'CREDENTIALS_UNAVAILABLE',
    })
    expect(keyOf(await provider.getToken())).toBe('ASIA1')
  })
})

describe('an operator', () => {
  const names = ['token.signed', 'token.reused', 'token.renewal-failed', 'credentials.short-lived']
  const seen: [string, Record<string, unknown>][] = []
  const listeners = names.map(
    (name) =>
      [
        channel(`rds-iam:${name}`),
        (event: unknown) => void seen.push([name, event as Record<string, unknown>]),
      ] as const,
  )
  beforeEach(() => {
    seen.length = 0
    for (const [one, listener] of listeners) one.subscribe(listener)
  })
  afterEach(() => {
    for (const [one, listener] of listeners) one.unsubscribe(listener)
  })

  it('sees what is signed, reused, short-lived and failed, and no secret', async () => {
    const { source } = createSource(10 * MINUTE_MS)
    let answer: Source = source
    const provider = createProvider((options) => answer(options))
    await provider.getToken()
    await provider.getToken()
    answer = () => Promise.reject(new Error('down'))
    pass(9.5 * MINUTE_MS)
    await provider.getToken()
    pass(MINUTE_MS)
    await rejection(provider.getToken())
    expect(
      seen.map(([name, { bridged }]) => (bridged === undefined ? name : `${name} bridged: ${bridged}`)),
    ).toEqual([
      'credentials.short-lived',
      'token.signed',
      'token.reused',
      // The credentials are still good for a token of half a minute.
      'token.renewal-failed bridged: true',
      'token.signed',
      'token.renewal-failed bridged: false',
    ])
    const endpoint = { host: 'db.abc.eu-west-1.rds.amazonaws.com', port: 5432 }
    expect(seen[1]?.[1]).toMatchObject({
      endpoint,
      region: 'eu-west-1',
      user: 'app',
      durationMs: expect.any(Number),
    })
    expect(JSON.stringify(seen)).not.toMatch(/X-Amz|secret/)
  })
})
