import { startLocalRds, type Engine, type LocalRds } from '@rds-iam/local'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { allClosed } from '../closed'
import { failure } from '../failure'

/** A login that a client is to try; all that is not said here is right. */
export interface Attempt {
  /** The endpoint. */
  rds: LocalRds
  /** Region that the token is signed for. */
  region: string
  /** User that the token is signed for; the login is always the endpoint's first user's. */
  signedFor: string
  /** Whether the token is changed after it was signed, as {@link tamper} does. */
  tampered: boolean
  /** Whether the client uses TLS. */
  tls: boolean
  /** The CA certificate for the client. */
  ca: string
}

/** Logs in, runs `select 40 + 2` and gives what came back as a text; rejects with what the client says. */
export type Client = (attempt: Attempt) => Promise<string>

const LONG_SESSION_TOKEN = 'FwoGZXIvYXdzE/+='.repeat(80)

/** An engine that uses RDS tokens. */
type RdsEngine = Exclude<Engine, 'dsql'>

const REFUSAL: Record<RdsEngine, RegExp> = {
  postgres: /PAM authentication failed for user "jane_doe"/,
  mysql: /Access denied for user 'jane_doe'@'(127\.0\.0\.1|::1)' \(using password: YES\)/,
}

const REFUSAL_WITHOUT_TLS: Record<RdsEngine, RegExp> = {
  postgres:
    /no pg_hba\.conf entry for host "(127\.0\.0\.1|::1)", user "jane_doe", database "\w+", no encryption/,
  mysql: /Connections using insecure transport are prohibited while --require_secure_transport=ON/,
}

/** Tests that a client gets in with a token of its user, and that every other login is refused in RDS's words. */
export function testClient(name: string, engine: RdsEngine, client: Client): void {
  describe(name, () => {
    testLogins(engine, client)
  })
}

function testLogins(engine: RdsEngine, client: Client): void {
  let rds: LocalRds
  let stranger: LocalRds

  beforeAll(async () => {
    const backend = inject(engine === 'postgres' ? 'postgresUrl' : 'mysqlUrl')
    const options = { engine, backend, users: ['jane_doe', 'john'] }
    rds = await startLocalRds(options)
    stranger = await startLocalRds(options)
  })
  afterAll(() => Promise.all([rds.close(), stranger.close()]))

  const attempt = (changes: Partial<Attempt> = {}) =>
    client({
      rds,
      region: rds.region,
      signedFor: rds.user,
      tampered: false,
      tls: true,
      ca: rds.ca,
      ...changes,
    })

  test('begins a session', async () => {
    expect(await attempt()).toBe('42')
    expect(rds.logins.at(-1)).toMatchObject({
      user: 'jane_doe',
      verdict: 'accepted',
      accessKeyId: rds.env['AWS_ACCESS_KEY_ID'],
    })
    await allClosed(rds)
  })

  const refusals: [string, Partial<Attempt>, string, Record<RdsEngine, RegExp>][] = [
    ['a token for another region', { region: 'eu-west-1' }, 'REGION_MISMATCH', REFUSAL],
    ['a token that was changed', { tampered: true }, 'SIGNATURE_MISMATCH', REFUSAL],
    ["another user's token", { signedFor: 'john' }, 'USER_MISMATCH', REFUSAL],
    ['the lack of TLS', { tls: false }, 'TLS_REQUIRED', REFUSAL_WITHOUT_TLS],
  ]

  test.each(refusals)('is refused for %s', async (_, changes, reason, words) => {
    expect(await failure(attempt(changes))).toMatchObject({ message: expect.stringMatching(words[engine]) })
    expect(rds.logins.at(-1)).toMatchObject({ user: 'jane_doe', verdict: 'refused', reason })
    await allClosed(rds)
  })

  test('sends no token when it does not trust the certificate', async () => {
    const before = rds.logins.length
    expect(await failure(attempt({ ca: stranger.ca }))).toMatchObject({
      message: expect.stringMatching(/certificate|unknown authority/i),
    })
    expect(rds.logins).toHaveLength(before)
    await allClosed(rds)
  })

  test('begins a session with temporary credentials', async () => {
    const [accessKeyId, secretAccessKey] = ['ASIATEMPORARY', 'a secret']
    rds.setIdentities([{ accessKeyId, secretAccessKey, sessionToken: LONG_SESSION_TOKEN }])
    expect(await attempt()).toBe('42')
    expect(rds.logins.at(-1)).toMatchObject({ verdict: 'accepted', accessKeyId })
    await allClosed(rds)
  })
}

/** The token with another last digit of its signature. */
export function tamper(token: string): string {
  return token.replace(
    /(X-Amz-Signature=[0-9a-f]+)([0-9a-f])/,
    (_, start: string, digit: string) => start + (digit === '0' ? '1' : '0'),
  )
}
