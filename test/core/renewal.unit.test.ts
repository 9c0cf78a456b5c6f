import { channel } from 'node:diagnostics_channel'
import { EventEmitter, once } from 'node:events'
import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import { createTokenProvider, RdsIamError, type TokenProvider } from '@rds-iam/core'
import { SigningCredentials } from '@rds-iam/core/internal'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { rejection } from '../contract/outcome'

const START = new Date('2026-01-01T00:00:00Z')
const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

type Identity = { accessKeyId: string; secretAccessKey: string; expiration?: Date }
type Source = (options?: { forceRefresh?: boolean }) => Promise<Identity>

/** A credential source that records its calls and whose sessions have a given lifetime. */
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
    ['15 minutes after signing', undefined, 15 * MINUTE_MS],
    ['15 minutes after signing', HOUR_MS, 15 * MINUTE_MS],
    ['with its credentials', 10 * MINUTE_MS, 10 * MINUTE_MS],
    ['with its credentials', MINUTE_MS, MINUTE_MS],
  ])('expires %s when these are valid for %s ms', async (_, credentialsMs, validMs) => {
    const { issuedAt, expiresAt } = await createProvider(createSource(credentialsMs).source).getToken()
    expect(issuedAt).toEqual(START)
    expect(expiresAt.getTime() - issuedAt.getTime()).toBe(validMs)
  })

  it.each([
    [HOUR_MS, 13 * MINUTE_MS, false],
    [HOUR_MS, 14.5 * MINUTE_MS, true],
    [MINUTE_MS, 40 * SECOND_MS, false],
    [MINUTE_MS, 50 * SECOND_MS, true],
    [8 * SECOND_MS, 5 * SECOND_MS, false],
    [8 * SECOND_MS, 7 * SECOND_MS, true],
  ])(
    'signed by credentials that are valid for %d ms and used after %d ms is renewed: %s',
    async (credentialsMs, afterMs, renewed) => {
      const provider = createProvider(createSource(credentialsMs).source)
      const first = await provider.getToken()
      pass(afterMs)
      expect((await provider.getToken()) !== first).toBe(renewed)
    },
  )

  it('is signed again when the clock is set back before its signing time', async () => {
    const provider = createProvider(createSource(HOUR_MS).source)
    const first = await provider.getToken()
    pass(-10 * MINUTE_MS)
    const second = await provider.getToken()
    expect(second.issuedAt.getTime()).toBe(first.issuedAt.getTime() - 10 * MINUTE_MS)
  })

  it('is signed again with the cached credentials when the clock is set back and the source is down', async () => {
    const { source } = createSource(HOUR_MS)
    let isDown = false
    const provider = createProvider(() => (isDown ? Promise.reject(new Error('down')) : source()))
    await provider.getToken()
    isDown = true
    pass(-10 * MINUTE_MS)
    const token = await provider.getToken()
    expect(keyOf(token)).toBe('ASIA1')
    expect(token.issuedAt).toEqual(new Date())
  })

  it('is always valid when it is returned, however the clock changes', async () => {
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
  it('are fetched once and sign once for any number of concurrent callers', async () => {
    const { source, asked } = createSource()
    const provider = createProvider(source)
    const tokens = await Promise.all(Array.from({ length: 200 }, () => provider.getToken()))
    expect(new Set(tokens).size).toBe(1)
    expect(asked).toEqual([false])
  })

  it('that are valid for a minute are fetched at most twice for ten tokens', async () => {
    const { source, asked } = createSource(MINUTE_MS)
    const provider = createProvider(source)
    for (let i = 0; i < 10; i++) {
      await provider.getToken()
      pass(9 * SECOND_MS)
    }
    expect(asked).toHaveLength(2)
  })

  it('are fetched again and sign again when a refresh is forced', async () => {
    const { source, asked } = createSource(HOUR_MS)
    const provider = createProvider(source)
    await provider.getToken()
    const [one, other] = await Promise.all([1, 2].map(() => provider.getToken({ forceRefresh: true })))
    expect(one).toBe(other)
    expect(keyOf(one!)).toBe('ASIA2')
    expect(asked).toEqual([false, true])
    expect(await provider.getToken()).toBe(one)
  })

  it('are fetched again when a refresh is forced during another fetch, whose late result is dropped', async () => {
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

  it('that have expired sign no token, even when the provider keeps returning them', async () => {
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
    ['nothing', undefined, 'no accessKeyId'],
    ['have no secret', { accessKeyId: 'a' }, 'no secretAccessKey'],
    [
      'have a secret with a newline',
      { accessKeyId: 'a', secretAccessKey: 'b\n' },
      'secretAccessKey ends with a newline',
    ],
    [
      'have a key with a blank line',
      { accessKeyId: 'a\n\nb', secretAccessKey: 'b' },
      'accessKeyId contains invalid characters',
    ],
    [
      'have a session token with a newline',
      { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c\n' },
      'newline',
    ],
    [
      'have an expiration that is not a Date',
      { accessKeyId: 'a', secretAccessKey: 'b', expiration: '2026' },
      'expiration is not a valid Date',
    ],
  ])('reject with CREDENTIALS_UNAVAILABLE when they %s', async (_, identity, why) => {
    const error = await rejection(createProvider(async () => identity as never).getToken())
    expect(error).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE', cause: expect.any(TypeError) })
    expect(error.message).toContain(why)
  })

  it('are fetched once for 200 configurations with the same provider and different timeouts', async () => {
    const { source, asked } = createSource(HOUR_MS)
    const providers = Array.from({ length: 200 }, (_, each) => createProvider(source, 5_000 + each))
    const tokens = await Promise.all(providers.map((provider) => provider.getToken()))
    expect(new Set(tokens.map(keyOf))).toEqual(new Set(['ASIA1']))
    pass(MINUTE_MS)
    await createProvider(source).getToken()
    expect(asked).toEqual([false])
  })

  it.each([
    ['ten seconds left', 10 * SECOND_MS, [false]],
    ['less than ten seconds left, with a forced refresh', 10 * SECOND_MS - 1, [false, true]],
  ])('are fetched from a provider whose cached credentials have %s', async (_, leftMs, expected) => {
    const forced: boolean[] = []
    const provider = createProvider(async (options) => {
      const isForced = options?.forceRefresh === true
      forced.push(isForced)
      const lifetimeMs = isForced ? HOUR_MS : leftMs
      return { accessKeyId: 'ASIA', secretAccessKey: 'b', expiration: new Date(Date.now() + lifetimeMs) }
    })
    const { expiresAt } = await provider.getToken()
    expect(forced).toEqual(expected)
    expect(expiresAt.getTime() - Date.now()).toBe(expected.length > 1 ? 15 * MINUTE_MS : leftMs)
  })

  it.each([
    ['rejects', () => Promise.reject(new RdsIamError('CREDENTIALS_UNAVAILABLE', 'down'))],
    [
      'returns expired ones',
      async () => ({ accessKeyId: 'ASIAOLD', secretAccessKey: 'b', expiration: START }),
    ],
  ])('that expire within ten seconds are used when the forced fetch %s', async (_, forced) => {
    const expiration = new Date(START.getTime() + 5 * SECOND_MS)
    const provider = createProvider((options) =>
      options?.forceRefresh
        ? forced()
        : Promise.resolve({ accessKeyId: 'ASIALAST', secretAccessKey: 'b', expiration }),
    )
    expect(keyOf(await provider.getToken())).toBe('ASIALAST')
  })
})

describe('a failing credential source', () => {
  it('is called again when it fails once', async () => {
    const { source } = createSource()
    let failures = 1
    const provider = createProvider((options) =>
      failures-- > 0 ? Promise.reject(new Error('hiccup')) : source(options),
    )
    expect(keyOf(await provider.getToken())).toBe('ASIA1')
  })

  it.each([
    [
      'a failed command',
      new Error('Command failed: vault read -token=hidden\nhidden'),
      'a credential_process failed',
    ],
    [
      'a quotation of invalid input',
      new SyntaxError('Unexpected token in "hidden"'),
      'failed with SyntaxError',
    ],
    ['nothing', undefined, 'failed with Error'],
    [
      'an expired SSO session',
      new Error(
        'Token is expired. To refresh this SSO session run `aws sso login` with the corresponding profile.',
      ),
      'run `aws sso login`',
    ],
    [
      'an expired login session',
      new Error('Your session has expired. Please reauthenticate.'),
      'run `aws login`',
    ],
  ])('rejects with the reason and without secrets when its error is %s', async (_, failure, expected) => {
    const error = await rejection(createProvider(() => Promise.reject(failure)).getToken())
    expect(error.message).toContain(expected)
    expect(error.message).not.toContain('hidden')
  })

  it('rejects with CREDENTIALS_UNAVAILABLE and its error as the cause when all retries fail, and is called again', async () => {
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
    'that %s during the renewal of a short session leaves the old token in use until that expires',
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

  it('is called once when it is slower than the timeout, and its late result is kept', async () => {
    const source = new EventEmitter()
    let asked = 0
    const provider = createProvider(() => {
      asked++
      return new Promise((answer) => void source.once('answer', answer))
    }, 300)
    expect(await rejection(provider.getToken())).toMatchObject({ code: 'TOKEN_TIMEOUT' })
    const second = provider.getToken()
    source.emit('answer', { accessKeyId: 'ASIALATE', secretAccessKey: 'secret' })
    expect(keyOf(await second)).toBe('ASIALATE')
    expect(await provider.getToken()).toBe(await second)
    expect(asked).toBe(1)
  })

  it('returns its late result to the next caller when no caller waits for it', async () => {
    const source = new EventEmitter()
    const provider = createProvider(() => new Promise((answer) => void source.once('answer', answer)), 50)
    expect(await rejection(provider.getToken())).toMatchObject({ code: 'TOKEN_TIMEOUT' })
    source.emit('answer', { accessKeyId: 'ASIALATE', secretAccessKey: 'secret' })
    expect(keyOf(await provider.getToken())).toBe('ASIALATE')
    expect(source.listenerCount('answer')).toBe(0)
  })

  it('is called again by the next login when it hangs once', async () => {
    const answers: Source[] = [() => new Promise(() => {}), createSource().source]
    const provider = createProvider(() => answers.shift()!(), 100)
    expect(await rejection(provider.getToken())).toMatchObject({ code: 'TOKEN_TIMEOUT' })
    expect(keyOf(await provider.getToken())).toBe('ASIA1')
  })

  it('is called again after a pause while its old credentials are valid', async () => {
    const { source, asked } = createSource(HOUR_MS)
    let failures = 0
    let isDown = false
    const down = () => Promise.reject(new RdsIamError('CREDENTIALS_UNAVAILABLE', `down ${++failures}`))
    const credentials: Source = (options) => (isDown ? down() : source(options))
    await createProvider(credentials).getToken()
    isDown = true
    pass(56 * MINUTE_MS)
    for (let user = 0; user < 20; user++) await createProvider(credentials).getToken()
    expect(failures).toBe(1)
    isDown = false
    pass(MINUTE_MS)
    expect(keyOf(await createProvider(credentials).getToken())).toBe('ASIA2')
    expect(asked).toHaveLength(2)
  })

  it('rejects with TOKEN_TIMEOUT when it hangs', async () => {
    const provider = createProvider(() => new Promise(() => {}), 50)
    const error = await rejection(provider.getToken())
    expect(error).toMatchObject({ code: 'TOKEN_TIMEOUT', message: expect.stringContaining('50 ms') })
  })

  it('rejects with TOKEN_TIMEOUT and its last error as the cause when the time ends between two attempts', async () => {
    const provider = createProvider(() => Promise.reject(new Error('down')), 50)
    const error = await rejection(provider.getToken())
    expect(error).toMatchObject({ code: 'TOKEN_TIMEOUT', cause: { message: 'down' } })
  })

  it('is retried for a patient configuration after an impatient one that shares it has timed out', async () => {
    let calls = 0
    const events = new EventEmitter()
    const source: Source = async () => {
      if (++calls > 1) return { accessKeyId: 'ASIA', secretAccessKey: 'secret' }
      await once(events, 'fail')
      throw new Error('a short failure')
    }
    const impatient = rejection(createProvider(source, 20).getToken())
    const patient = createProvider(source).getToken()
    expect((await impatient) as RdsIamError).toMatchObject({ code: 'TOKEN_TIMEOUT' })
    events.emit('fail')
    expect(keyOf(await patient)).toBe('ASIA')
  })

  it('is called at once by the next login when it failed after every caller had timed out', async () => {
    const events = new EventEmitter()
    let calls = 0
    const provider = createProvider(async () => {
      if (++calls > 1) return { accessKeyId: 'ASIA', secretAccessKey: 'secret' }
      await once(events, 'fail')
      throw new Error('a late failure')
    }, 50)
    expect(await rejection(provider.getToken())).toMatchObject({ code: 'TOKEN_TIMEOUT' })
    events.emit('fail')
    await setImmediate()
    const token = provider.getToken()
    await setImmediate()
    expect(calls).toBe(2)
    expect(keyOf(await token)).toBe('ASIA')
  })

  it('is called once when a forced refresh returns credentials with less than ten seconds left', async () => {
    const { source, asked } = createSource(9 * SECOND_MS)
    await createProvider(source).getToken({ forceRefresh: true })
    expect(asked).toEqual([true])
  })

  it('rejects with its own error when its cached credentials have expired and a forced refresh fails', async () => {
    const provider = createProvider(async (options) => {
      if (options?.forceRefresh) throw new RdsIamError('CREDENTIALS_UNAVAILABLE', 'down')
      return { accessKeyId: 'ASIA', secretAccessKey: 'secret', expiration: START }
    })
    expect(await rejection(provider.getToken())).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' })
  })

  it('is waited for when its cached credentials have expired and a forced refresh is slow', async () => {
    const provider = createProvider(async (options) => {
      if (options?.forceRefresh) await delay(1_100)
      const expiration = options?.forceRefresh ? new Date(START.getTime() + HOUR_MS) : START
      return { accessKeyId: 'ASIA', secretAccessKey: 'secret', expiration }
    })
    expect(keyOf(await provider.getToken())).toBe('ASIA')
  })

  it('does not lose credentials with nine seconds left when a forced refresh is slow', async () => {
    const source: Source = (options) =>
      options?.forceRefresh === true
        ? new Promise(() => {})
        : Promise.resolve({
            accessKeyId: 'ASIA',
            secretAccessKey: 'secret',
            expiration: new Date(Date.now() + 9 * SECOND_MS),
          })
    expect(keyOf(await createProvider(source).getToken())).toBe('ASIA')
  })

  it('rejects when a new token is forced, although the old one is valid', async () => {
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

describe('credentials of a refused token', () => {
  it('are fetched again at most once a minute', async () => {
    const { source, asked } = createSource(HOUR_MS)
    const credentials = new SigningCredentials({ credentials: source as never })
    await credentials.get()
    for (let refusal = 0; refusal < 300; refusal++) {
      credentials.markStale()
      await credentials.get()
      pass(SECOND_MS)
    }
    expect(asked).toEqual([false, true, true, true, true, true])
  })

  it('are fetched again when the clock was set back since the last forced refresh', async () => {
    const { source, asked } = createSource(HOUR_MS)
    const credentials = new SigningCredentials({ credentials: source as never })
    await credentials.get()
    credentials.markStale()
    await credentials.get()
    pass(-HOUR_MS)
    credentials.markStale()
    await credentials.get()
    expect(asked).toEqual([false, true, true])
  })

  it('without an expiry are fetched again at most once a minute', async () => {
    const { source, asked } = createSource()
    const credentials = new SigningCredentials({ credentials: source as never })
    await credentials.get()
    for (let refusal = 0; refusal < 50; refusal++) {
      credentials.markStale()
      await credentials.get()
      pass(SECOND_MS)
    }
    expect(asked).toEqual([false, true])
  })

  it('are used until they expire, with one forced refresh a minute, while the source is down', async () => {
    const { source } = createSource(2 * MINUTE_MS)
    const forcedAfterMs: number[] = []
    let isDown = false
    const credentials = new SigningCredentials({
      credentials: ((options: { forceRefresh: boolean }) => {
        if (options.forceRefresh) forcedAfterMs.push(Date.now() - START.getTime())
        return isDown ? Promise.reject(new RdsIamError('CREDENTIALS_UNAVAILABLE', 'down')) : source(options)
      }) as never,
    })
    await credentials.get()
    isDown = true
    for (let refusal = 0; refusal < 120; refusal++) {
      credentials.markStale()
      expect((await credentials.get()).identity.accessKeyId).toBe('ASIA1')
      pass(SECOND_MS)
    }
    expect(forcedAfterMs).toEqual([0, MINUTE_MS])
  })

  it('stay stale until a forced refresh succeeds, in whatever order the fetches complete', async () => {
    const step = fc.constantFrom('refusal', 'login', 'force', 'oldest answers', 'newest answers', 'time')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        vi.setSystemTime(START)
        const fetches: { isForced: boolean; startedMs: number; answer(): void }[] = []
        const running: typeof fetches = []
        let isMarked = false
        const credentials = new SigningCredentials({
          credentials: ((options: { forceRefresh: boolean }) =>
            new Promise((resolve) => {
              const isForced = options.forceRefresh
              const answer = () => {
                if (isForced) isMarked = false
                resolve({ accessKeyId: `ASIA${fetches.length}`, secretAccessKey: 'secret' })
              }
              fetches.push({ isForced, startedMs: Date.now(), answer })
              running.push(fetches.at(-1)!)
            })) as never,
        })
        const logins: Promise<unknown>[] = []
        for (const each of steps) {
          if (each === 'refusal') {
            credentials.markStale()
            isMarked = true
          } else if (each === 'login') logins.push(credentials.get())
          else if (each === 'force') logins.push(credentials.get({ forceRefresh: true }))
          else if (each === 'time') pass(25 * SECOND_MS)
          else (each === 'oldest answers' ? running.shift() : running.pop())?.answer()
          await setImmediate()
        }
        for (const { answer } of running) answer()
        await Promise.all(logins)
        const isForcedNext = isMarked
        pass(61 * SECOND_MS)
        const before = fetches.length
        const last = credentials.get()
        await setImmediate()
        fetches.at(-1)?.answer()
        await last
        expect(fetches.slice(before).map(({ isForced }) => isForced)).toEqual([isForcedNext])
        const forced = steps.includes('force') ? [] : fetches.filter(({ isForced }) => isForced)
        for (const [index, { startedMs }] of forced.entries()) {
          expect(startedMs - (forced[index - 1]?.startedMs ?? -Infinity)).toBeGreaterThanOrEqual(MINUTE_MS)
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('valid credentials', () => {
  it('are always returned, however the clock changes and the source fails', async () => {
    const lifetime = fc.integer({ min: SECOND_MS, max: 2 * HOUR_MS })
    const step = fc.record({ ms: fc.integer({ min: -HOUR_MS, max: HOUR_MS }), isDown: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(lifetime, fc.array(step, { maxLength: 20 }), async (lifetimeMs, steps) => {
        vi.setSystemTime(START)
        const { source } = createSource(lifetimeMs)
        let isDown = false
        let expiresAtMs = 0
        const credentials = new SigningCredentials({
          credentials: (async () => {
            if (isDown) throw new RdsIamError('CREDENTIALS_UNAVAILABLE', 'down')
            const identity = await source()
            expiresAtMs = identity.expiration!.getTime()
            return identity
          }) as never,
        })
        for (const { ms, isDown: down } of steps) {
          pass(ms)
          isDown = down
          if (isDown && expiresAtMs <= Date.now()) await rejection(credentials.get())
          else expect((await credentials.get()).expiresAt!.getTime()).toBeGreaterThan(Date.now())
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('the events', () => {
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

  it('report signed and reused tokens, short-lived credentials and failures, without secrets', async () => {
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
      // The credentials are still valid for a token of half a minute.
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
