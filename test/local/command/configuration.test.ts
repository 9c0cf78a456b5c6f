import {
  startLocalRds,
  type LocalRds,
  type LocalRdsConfiguration,
  type LocalRdsOptions,
} from '@rds-iam/local'
import type pg from 'pg'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { failure } from '../failure'
import { mysqlClient, rows } from '../mysql-client'
import { pgClient } from '../postgres-client'
import { sign } from '../sign'

let rds: LocalRds

beforeEach(async () => {
  rds = await startLocalRds({ backend: inject('postgresUrl') })
})

afterEach(async () => {
  vi.useRealTimers()
  await rds.close()
})

/** The reason of a refusal, or nothing. */
async function outcome(config: pg.ClientConfig = {}): Promise<string | undefined> {
  const before = rds.logins.length
  try {
    const session = await pgClient(rds, config)
    await session.end()
  } catch (error) {
    expect(error).toMatchObject({
      code: '28000',
      message: `PAM authentication failed for user "${config.user ?? rds.user}"`,
    })
  }
  const [login, ...more] = rds.logins.slice(before)
  expect(more).toEqual([])
  return login?.reason
}

describe('the clock', () => {
  test('may be ahead or behind, at the start and later', async () => {
    const password = await sign(rds)
    expect(await outcome({ password })).toBeUndefined()
    await rds.configure({ clockOffsetMs: 901_000 })
    expect(await outcome({ password })).toBe('TOKEN_EXPIRED')
    await rds.configure({ clockOffsetMs: -301_000 })
    expect(await outcome()).toBe('NOT_YET_VALID')
    await rds.configure({ clockOffsetMs: 0 })
    expect(await outcome({ password })).toBeUndefined()
    await rds.close()
    rds = await startLocalRds({ backend: inject('postgresUrl'), clockOffsetMs: 901_000 })
    expect(await outcome()).toBe('TOKEN_EXPIRED')
  })

  test('applies to identities, and not to the times of the audit trail', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const expiration = new Date(Date.now() + 600_000)
    await rds.configure({
      identities: [{ accessKeyId: 'ASIATEST', secretAccessKey: 'secret', expiration }],
      clockOffsetMs: 599_999,
    })
    expect(await outcome()).toBeUndefined()
    await rds.configure({ clockOffsetMs: 600_000 })
    expect(await outcome()).toBe('IDENTITY_EXPIRED')
    expect(rds.logins.at(-1)?.time).toEqual(new Date())
  })
})

describe('a limit of logins a second', () => {
  test('refuses further logins with RDS’s message until a second has passed', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const start = Date.now()
    await rds.configure({ maxConnectionsPerSecond: 2 })
    const password = await sign(rds)
    expect(await outcome({ password })).toBeUndefined()
    vi.setSystemTime(start + 600)
    // What is refused for another reason counts as well; what is refused by the limit does not.
    expect(await outcome({ password: 'x' })).toBe('MALFORMED_TOKEN')
    expect(await outcome({ password })).toBe('THROTTLED')
    expect(rds.logins.at(-1)).toEqual({
      time: new Date(),
      user: 'jane_doe',
      accessKeyId: rds.env.AWS_ACCESS_KEY_ID,
      verdict: 'refused',
      reason: 'THROTTLED',
      detail: 'more than 2 logins in a second',
    })
    vi.setSystemTime(start + 999)
    expect(await outcome({ password })).toBe('THROTTLED')
    vi.setSystemTime(start + 1000)
    expect(await outcome({ password })).toBeUndefined()
    expect(await outcome({ password })).toBe('THROTTLED')
    vi.setSystemTime(start)
    expect(await outcome({ password })).toBeUndefined()
    await rds.configure({ maxConnectionsPerSecond: Infinity })
    for (let login = 0; login < 3; login++) expect(await outcome({ password })).toBeUndefined()
  })

  test('refuses further logins with MySQL’s message', async () => {
    const other = await startLocalRds({
      engine: 'mysql',
      backend: inject('mysqlUrl'),
      maxConnectionsPerSecond: 0,
    })
    expect(await failure(mysqlClient(other))).toMatchObject({ errno: 1045, sqlState: '28000' })
    expect(other.logins).toMatchObject([{ reason: 'THROTTLED' }])
    await other.close()
  })
})

describe('a change while it runs', () => {
  test('of identities applies to new logins only', async () => {
    const session = await pgClient(rds)
    const password = await sign(rds)
    await rds.configure({
      identities: [
        { accessKeyId: 'AKIAFIRST', secretAccessKey: 'secret', users: ['john'] },
        { accessKeyId: 'AKIASECOND', secretAccessKey: 'secret' },
      ],
    })
    expect(await outcome({ password })).toBe('KEY_UNKNOWN')
    expect(await outcome()).toBe('USER_NOT_ALLOWED')
    expect(rds.env.AWS_ACCESS_KEY_ID).toBe('AKIAFIRST')
    rds.setIdentities([rds.configuration.identities[1]!])
    expect(await outcome()).toBeUndefined()
    expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await session.end()
  })

  test('of the region changes the environment for SDKs', async () => {
    const password = await sign(rds)
    await rds.configure({ region: 'eu-central-1' })
    expect(await outcome({ password })).toBe('REGION_MISMATCH')
    expect(rds.env.AWS_REGION).toBe('eu-central-1')
    expect(await outcome()).toBeUndefined()
  })

  test('of endpoints issues a new certificate from the same CA', async () => {
    const { ca } = rds
    await rds.configure({ endpoints: ['db.example.com'] })
    const dialled = { host: '127.0.0.1', ssl: { ca, servername: 'db.example.com' } }
    expect(await outcome({ ...dialled, password: await sign(rds) })).toBe('HOST_MISMATCH')
    const password = await sign(rds, { host: 'db.example.com' })
    expect(await outcome({ ...dialled, password })).toBeUndefined()
    expect(await failure(pgClient(rds, { password }))).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
    expect(rds.ca).toBe(ca)
  })

  test('of users refuses those that are no longer named', async () => {
    await rds.configure({ users: ['john'] })
    expect(rds.user).toBe('john')
    expect(await outcome({ user: 'jane_doe' })).toBe('USER_UNKNOWN')
    expect(await outcome()).toBeUndefined()
  })

  test('makes changes in their order, and keeps those made meanwhile', async () => {
    const identities = [{ accessKeyId: 'AKIATEST', secretAccessKey: 'secret' }]
    const changes = [
      rds.configure({ endpoints: ['a.example.com'] }),
      rds.configure({ endpoints: ['b.example.com'], region: 'eu-west-1' }),
    ]
    rds.setIdentities(identities)
    await Promise.all(changes)
    expect(rds.configuration).toMatchObject({ endpoints: ['b.example.com'], region: 'eu-west-1', identities })
  })

  test.each<Partial<LocalRdsConfiguration>>([
    { region: '' },
    { users: [] },
    { users: ['a\0b'] },
    { endpoints: ['a:b'] },
    { clockOffsetMs: NaN },
    { maxConnectionsPerSecond: -1 },
    { maxConnectionsPerSecond: NaN },
    { conflicts: 1 },
    { identities: [{ accessKeyId: '', secretAccessKey: 'x' }] },
    { identities: [{ accessKeyId: 'AKIATEST' } as never] },
    { identities: [{ accessKeyId: 'AKIATEST', secretAccessKey: 'x', user: 'john' } as never] },
    { identities: [{ accessKeyId: 'AKIATEST', secretAccessKey: 'x', expiration: 1 as never }] },
    { identities: 'AKIATEST' as never },
    { users: 'john' as never },
    { endpoints: 'localhost' as never },
    { region: 1 as never },
    { clockOffset: 901_000 } as never,
  ])('to %j is refused, also at the start, and changes nothing', async (change) => {
    const before = rds.configuration
    const [name = ''] = Object.keys(change)
    await expect(rds.configure({ clockOffsetMs: 1, ...change })).rejects.toThrow(TypeError)
    expect(rds.configuration).toEqual(before)
    await expect(startLocalRds({ backend: inject('postgresUrl'), ...change })).rejects.toThrow(name)
    await rds.configure({ region: 'eu-west-1' })
    expect(rds.region).toBe('eu-west-1')
  })

  test.each([
    ['postgres', 'startLocalRds must be an object'],
    [{ user: 'john' }, 'startLocalRds: user is unknown; known are engine, backend, '],
    [{ control: { ports: 1 } }, 'control: ports is unknown; known are port'],
    [{ control: 'yes' }, 'control must be an object'],
  ])('is refused at the start when it is %j', async (options, message) => {
    const start = startLocalRds(options as object)
    await expect(start).rejects.toThrow(TypeError)
    await expect(start).rejects.toThrow(message)
  })

  test("accepts credentials in the AWS SDK's form", async () => {
    const given = { accessKeyId: 'AKIATEST', secretAccessKey: 'x', accountId: '123456789012', $source: {} }
    await rds.configure({ identities: [given] })
    expect(rds.configuration.identities).toMatchObject([{ accessKeyId: 'AKIATEST' }])
  })

  test('does not change when the given or returned arrays change', async () => {
    const users = ['jane_doe']
    await rds.configure({ users })
    users.push('john')
    ;(rds.configuration.users as string[]).push('john')
    expect(await outcome({ user: 'john' })).toBe('USER_UNKNOWN')
  })
})

describe('new users of a database that was started here', () => {
  test('can log in, and run as themselves', async () => {
    const own = await startLocalRds()
    await own.configure({ users: ['jane_doe', 'günther "the" o\'neil', 'postgres'] })
    for (const user of own.configuration.users) {
      const session = await pgClient(own, { user })
      await session.query('create temporary table own(id int)')
      const { rows: found } = await session.query('select current_user::text as name')
      expect(found).toEqual([{ name: user }])
      await session.end()
    }
    await own.configure({ users: ['john', 'jane_doe'] })
    await own.close()
  })

  test('can log in to MySQL, and run as themselves', async () => {
    const own = await startLocalRds({ engine: 'mysql' })
    await own.configure({ users: ['jane_doe', `o'neil`, 'admin'] })
    for (const user of own.configuration.users) {
      const session = await mysqlClient(own, { user })
      expect(await rows(session, 'select current_user() as name')).toEqual([{ name: `${user}@%` }])
      await session.end()
    }
    await own.configure({ users: ['john', 'jane_doe'] })
    await own.close()
  })
})

test('rejects when the signal is aborted before the start', async () => {
  const reason = new Error('not wanted any more')
  const wrong = (options: LocalRdsOptions) => startLocalRds({ ...options, signal: AbortSignal.abort(reason) })
  await expect(wrong({})).rejects.toBe(reason)
  await expect(wrong({ backend: inject('postgresUrl') })).rejects.toBe(reason)
})
