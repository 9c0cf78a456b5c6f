import { connect } from 'node:net'
import { once } from 'node:events'
import { startLocalRds, type LocalRds } from '@rds-iam/local'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { allClosed } from '../closed'
import { failure } from '../failure'
import { pgClient } from '../postgres-client'
import { sign } from '../sign'

let rds: LocalRds

beforeEach(async () => {
  rds = await startLocalRds({ backend: inject('postgresUrl'), control: true })
})

afterEach(() => rds.close())

interface Reply {
  status: number
  body: unknown
}

/** Sends a request with the right token, unless it has its own headers. */
async function request(path: string, init: RequestInit = {}): Promise<Reply> {
  const { url = '', token } = rds.control ?? {}
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(url + path, { headers, ...init })
  expect(response.headers.get('content-type')).toBe('application/json')
  return { status: response.status, body: await response.json() }
}

const patch = (change: unknown) =>
  request('/configuration', { method: 'PATCH', body: JSON.stringify(change) })

test('starts only when the option is set, and closes with the endpoint', async () => {
  const other = await startLocalRds({ backend: inject('postgresUrl') })
  expect(other.control).toBeUndefined()
  await other.close()
  const url = rds.control?.url ?? ''
  await rds.close()
  await expect(fetch(url)).rejects.toThrow('fetch failed')
})

test('listens on the given port', async () => {
  const port = Number(new URL(rds.control?.url ?? '').port)
  await expect(startLocalRds({ backend: inject('postgresUrl'), control: { port } })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
  await rds.close()
  rds = await startLocalRds({ backend: inject('postgresUrl'), control: { port } })
  expect(await request('/logins')).toEqual({ status: 200, body: [] })
})

describe('a request without the right token', () => {
  test.each([
    ['none', {}],
    ['another', { authorization: 'Bearer other' }],
    ['it without the word', { authorization: 'TOKEN' }],
    ['a longer one', { authorization: 'Bearer TOKENx' }],
  ])('but %s gets nothing and changes nothing', async (_, headers: Record<string, string>) => {
    const { authorization } = headers
    const sent =
      authorization === undefined
        ? undefined
        : { authorization: authorization.replace('TOKEN', rds.control?.token ?? '') }
    const init = { method: 'PATCH', body: '{"region":"eu-west-1"}', headers: sent ?? {} }
    for (const path of ['/configuration', '/none'])
      expect(await request(path, init)).toMatchObject({ status: 401 })
    expect(rds.region).toBe('us-east-1')
  })
})

describe('the audit trail', () => {
  test("equals the API's", async () => {
    const token = await sign(rds)
    const session = await pgClient(rds, { password: token })
    await failure(pgClient(rds, { user: 'john', password: token }))
    const { status, body } = await request('/logins')
    expect({ status, body }).toEqual({ status: 200, body: JSON.parse(JSON.stringify(rds.logins)) })
    expect(body).toMatchObject([{ verdict: 'accepted' }, { verdict: 'refused', reason: 'USER_UNKNOWN' }])
    expect(JSON.stringify(body)).not.toContain('X-Amz')
    await session.end()
  })
})

describe('the configuration', () => {
  test('is shown without secrets', async () => {
    const { status, body } = await request('/configuration')
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        identities: [
          { accessKeyId: rds.env.AWS_ACCESS_KEY_ID, hasSessionToken: false, expiration: null, users: null },
        ],
        region: 'us-east-1',
        endpoints: ['localhost', '127.0.0.1'],
        users: ['jane_doe'],
        clockOffsetMs: 0,
        maxConnectionsPerSecond: null,
      },
    })
  })

  test('changes only the values that are sent', async () => {
    const identity = {
      accessKeyId: 'ASIATEST',
      secretAccessKey: 'secret',
      sessionToken: 'session',
      expiration: '2100-01-01T00:00:00.000Z',
      users: ['john'],
    }
    const change = {
      identities: [identity],
      region: 'eu-west-1',
      users: ['john', 'jane_doe'],
      endpoints: ['localhost', 'db.example.com:5432'],
      clockOffsetMs: -1000,
      maxConnectionsPerSecond: 5,
    }
    const { secretAccessKey: _, sessionToken: __, ...shown } = identity
    const body = { ...change, identities: [{ ...shown, hasSessionToken: true }] }
    expect(await patch(change)).toEqual({ status: 200, body })
    expect(rds.configuration).toEqual({
      ...change,
      identities: [{ ...identity, expiration: new Date(identity.expiration) }],
    })
    const session = await pgClient(rds)
    await session.end()
    expect(rds.logins).toMatchObject([{ user: 'john', verdict: 'accepted', accessKeyId: 'ASIATEST' }])
    expect(await patch({ maxConnectionsPerSecond: null })).toEqual({
      status: 200,
      body: { ...body, maxConnectionsPerSecond: null },
    })
    expect(rds.configuration.maxConnectionsPerSecond).toBe(Infinity)
  })

  test.each([
    ['', 'the body is not JSON'],
    ['{"region":"secret', 'the body is not JSON'],
    ['[]', 'the body must be an object'],
    ['null', 'the body must be an object'],
    [
      '{"port":1}',
      'configure: port is unknown; known are endpoints, region, users, identities, clockOffsetMs, maxConnectionsPerSecond, maxSessionSeconds, conflicts, conflictCode',
    ],
    [
      '{"__proto__":{}}',
      'configure: __proto__ is unknown; known are endpoints, region, users, identities, clockOffsetMs, maxConnectionsPerSecond, maxSessionSeconds, conflicts, conflictCode',
    ],
    ['{"region":1}', 'region must be a string'],
    ['{"region":""}', "region '' is not the name of a region"],
    ['{"endpoints":"localhost"}', 'endpoints must be an array'],
    ['{"endpoints":[]}', 'endpoints must have at least one name'],
    ['{"users":[1]}', 'users must be a string'],
    ['{"users":[]}', 'users must be a list of names, at least one'],
    ['{"clockOffsetMs":"1"}', 'clockOffsetMs must be a number'],
    ['{"clockOffsetMs":1e300}', 'clockOffsetMs must be a number of milliseconds, at most a hundred years'],
    ['{"maxConnectionsPerSecond":1.5}', 'maxConnectionsPerSecond must be a whole number from 0, or Infinity'],
    ['{"maxConnectionsPerSecond":-1}', 'maxConnectionsPerSecond must be a whole number from 0, or Infinity'],
    ['{"identities":[1]}', 'identities must be an object'],
    ['{"identities":[{"accessKeyId":"A"}]}', 'identities: secretAccessKey must be a string'],
    [
      '{"identities":[{"secret":"secret"}]}',
      'identities: secret is unknown; known are accessKeyId, secretAccessKey, sessionToken, expiration, users, accountId, credentialScope, $source',
    ],
    [
      '{"identities":[{"accessKeyId":"A","secretAccessKey":"secret","expiration":"x"}]}',
      'identities: expiration must be a date such as 2026-01-31T12:00:00Z',
    ],
    ['{"region":"eu-west-1","users":[""]}', 'users must be a list of names, at least one'],
  ])('is not changed by %s', async (body, error) => {
    const before = rds.configuration
    expect(await request('/configuration', { method: 'PATCH', body, headers: headers() })).toEqual({
      status: 400,
      body: { error },
    })
    expect(rds.configuration).toEqual(before)
  })
})

const headers = () => ({ authorization: `Bearer ${rds.control?.token}` })

test('connections are dropped', async () => {
  const session = await pgClient(rds)
  const error = once(session, 'error')
  expect(await request('/drop-connections', { method: 'POST' })).toEqual({
    status: 200,
    body: { dropped: 1 },
  })
  expect(await error).toMatchObject([{ message: 'Connection terminated unexpectedly' }])
  await allClosed(rds)
})

describe('refuses', () => {
  test('other paths', async () => {
    for (const path of ['/', '/login', '/constructor', '/__proto__'])
      expect(await request(path)).toMatchObject({ status: 404 })
  })

  test.each([
    ['POST', '/logins', 'GET'],
    ['DELETE', '/configuration', 'GET, PATCH'],
    ['GET', '/drop-connections', 'POST'],
  ])('%s %s', async (method, path, allow) => {
    const response = await fetch((rds.control?.url ?? '') + path, { method, headers: headers() })
    expect({ status: response.status, allow: response.headers.get('allow') }).toEqual({ status: 405, allow })
    expect(await response.json()).toEqual({ error: `${path} takes ${allow}` })
  })

  test('a body that is too long, before its end', async () => {
    const { port } = new URL(rds.control?.url ?? '')
    const socket = connect(Number(port), '127.0.0.1')
    const head = `PATCH /configuration HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${rds.control?.token}\r\n`
    socket.write(`${head}content-length: 1000000\r\n\r\n${' '.repeat(65_537)}`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /)
    socket.on('error', () => {})
    await once(socket.resume(), 'close')
  })

  test('bytes that are not HTTP', async () => {
    const { port } = new URL(rds.control?.url ?? '')
    const socket = connect(Number(port), '127.0.0.1')
    socket.write('\x16\x03\x01\r\n\r\n')
    await once(socket.resume(), 'close')
    expect(await request('/logins')).toEqual({ status: 200, body: [] })
  })
})
