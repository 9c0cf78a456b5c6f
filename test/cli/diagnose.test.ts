import { createServer, get } from 'node:http'
import dns from 'node:dns'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createSecureContext } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ours, rejection } from '../contract/outcome'
import { diagnose } from 'rds-iam'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { filesLoaded } from '../costs/programs'
import { startDns } from '../servers/dns'
import { rdsIam } from './command'

const NAME = 'shop.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'
const NO_STS = 'http://127.0.0.1:1'

beforeEach(() => {
  vi.stubEnv('AWS_ENDPOINT_URL_STS', NO_STS)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const codes = ({ causes }: { causes: readonly { code: string }[] }) => causes.map(({ code }) => code)

describe.each(['postgres', 'mysql'] as const)('%s', (engine) => {
  let rds: TestEndpoint
  beforeAll(async () => {
    rds = await startEndpoint({ engine })
  })
  afterAll(() => rds.close())
  afterEach(() => rds.setIdentities([rds.identity]))

  const url = engine === 'postgres' ? 'connectionString' : 'uri'
  const urlOf = (text: string) => ({ [url]: `${engine}://${text}` })

  test('returns the object that doctor --json prints', async () => {
    const { host, port, user, database, ssl, iam } = rds.options
    const credentials = () => Promise.resolve({ ...rds.identity, $source: { CREDENTIALS_ENV_VARS: 'g' } })
    const found = await diagnose({ engine, host, port, user, database, ssl, iam: { ...iam, credentials } })
    const directory = mkdtempSync(join(tmpdir(), 'diagnose-'))
    const ca = join(directory, 'ca.pem')
    writeFileSync(ca, rds.ca)
    const login = { host, port, user, database, engine, ca, region: rds.region }
    const args = Object.entries(login).flatMap(([name, value]) => [`--${name}`, String(value)])
    const { stdout } = await rdsIam(['doctor', ...args, '--json'], {
      ...rds.env,
      AWS_ENDPOINT_URL_STS: NO_STS,
    })
    rmSync(directory, { recursive: true })
    const withoutTime = (text: string) => text.replace(/until \S+Z/, 'until …')
    expect(found.ok).toBe(true)
    expect(withoutTime(JSON.stringify(found, undefined, 2))).toBe(withoutTime(stdout.trimEnd()))
  })

  test('uses the credentials, the other options and the connection URL of the application', async () => {
    const { port, user, database, ssl, iam } = rds.options
    const credentials = vi.fn(() => Promise.resolve(rds.identity))
    const address = urlOf(`${user}@localhost:${port}/${database}`)
    const options = { ...address, ssl, iam: { ...iam, credentials }, max: 3, connectionLimit: 3 }
    const { ok, findings } = await diagnose(options)
    expect(ok).toBe(true)
    expect(credentials).toHaveBeenCalledTimes(1)
    expect(findings).toContainEqual({
      check: 'credentials',
      status: 'ok',
      seen: `${rds.identity.accessKeyId} from iam.credentials, permanent`,
    })
  })

  test('names the cause of a refused login without a secret', async () => {
    rds.setIdentities([{ ...rds.identity, users: ['john'] }])
    const found = await diagnose({ ...rds.options, engine })
    expect(found.ok).toBe(false)
    expect(codes(found)[0]).toBe('USER_NOT_ALLOWED')
    expect(JSON.stringify(found)).not.toContain(rds.identity.secretAccessKey)
    expect(JSON.stringify(found)).not.toContain('X-Amz-Signature')
  })

  test('names the cause when the credentials of the application fail', async () => {
    const iam = { region: 'us-east-1', credentials: () => Promise.reject(new Error('the vault is sealed')) }
    const found = await diagnose({ ...rds.options, engine, iam })
    expect(found.causes).toMatchObject([
      { code: 'NO_CREDENTIALS', why: expect.stringContaining('the vault is sealed') },
    ])
  })

  test.each([
    ['a tunnel', { endpoint: `${NAME}:1` }, []],
    ['a wrong region', { region: 'eu-west-1' }, ['REGION_MISMATCH']],
  ])('takes iam: %s', async (_, iam, expected) => {
    const tunnel = await startEndpoint({ engine, endpoints: ['localhost', `${NAME}:1`] })
    const options = { ...tunnel.options, engine, iam: { ...tunnel.options.iam, ...iam } }
    expect(codes(await diagnose(options))).toEqual(expected)
    await tunnel.close()
  })

  test.each([
    ['host', { host: undefined }],
    ['host', { host: 'https://db.example' }],
    ['port', { port: 'http' }],
    ['user', { user: '' }],
    ['password', { password: 'secret' }],
    ['password', { host: undefined, user: undefined, ...urlOf('jane_doe:secret@localhost/app') }],
    ['stream', { stream: () => {} }],
    ['ssl.ca', { ssl: { ca: 'ca.pem' } }],
    ['iam.regoin', { iam: { regoin: 'us-east-1' } }],
    ['iam.endpoint', { iam: { endpoint: 'https://db.example' } }],
    [
      engine === 'postgres' ? 'uri' : 'connectionString',
      { uri: 'mysql://x@y/z', connectionString: 'postgres://x@y/z' },
    ],
  ])('rejects with INVALID_OPTION before it dials: %s %j', async (option, wrong) => {
    const lookup = vi.spyOn(dns, 'lookup')
    const error = ours(await rejection(diagnose({ ...rds.options, engine, ...wrong } as object)))
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option })
    expect(error?.message).not.toContain('secret')
    expect(lookup).not.toHaveBeenCalled()
    lookup.mockRestore()
  })
})

test.each([[null], ['postgres://localhost'], [{ engine: 'oracle', host: 'localhost', user: 'x' }]])(
  'rejects with INVALID_OPTION: %j',
  async (wrong) => {
    const error = ours(await rejection(diagnose(wrong as object)))
    expect(error).toMatchObject({ code: 'INVALID_OPTION' })
  },
)

test('reads the environment as pg does', async () => {
  const rds = await startEndpoint({ engine: 'postgres' })
  const { host, port, user, database, ssl, iam } = rds.options
  const env = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGDATABASE: database }
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  const { ok, findings } = await diagnose({ ssl, iam })
  expect({ ok, seen: findings[0]?.seen }).toEqual({
    ok: true,
    seen: `${user} at ${host}:${port}, PostgreSQL, database ${database}`,
  })
  await rds.close()
})

test('follows an alias as a login does', async () => {
  const servers = dns.getServers()
  const names = await startDns()
  dns.setServers([names.address])
  names.aliases.set('db.shop.example', NAME)
  const { lookup } = dns
  vi.spyOn(dns, 'lookup').mockImplementation(((host: string, ...rest: [dns.LookupOptions, () => void]) =>
    lookup(
      host.endsWith('.amazonaws.com') || host.endsWith('.example') ? '127.0.0.1' : host,
      ...rest,
    )) as typeof dns.lookup)
  const rds = await startEndpoint({ engine: 'postgres', endpoints: [NAME] })
  const options = { ...rds.options, host: 'db.shop.example' }
  const { ok, findings } = await diagnose({ ...options, iam: { ...options.iam, followCname: true } })
  expect({ ok, dns: findings[1]?.seen }).toEqual({
    ok: true,
    dns: `db.shop.example is an alias of ${NAME}, which is dialled`,
  })
  expect(codes(await diagnose(options))).toEqual(['ALIAS'])
  vi.restoreAllMocks()
  dns.setServers(servers)
  await Promise.all([rds.close(), names.close()])
})

test("verifies with the application's own TLS context", async () => {
  const rds = await startEndpoint({ engine: 'postgres' })
  const other = await startEndpoint({ engine: 'postgres' })
  const withContext = (ca: string) => ({
    ...rds.options,
    ssl: { secureContext: createSecureContext({ ca }) },
  })
  expect(await diagnose(withContext(rds.ca))).toMatchObject({ ok: true })
  expect(codes(await diagnose(withContext(other.ca)))).toEqual(['CA_UNKNOWN'])
  await Promise.all([rds.close(), other.close()])
})

test('reads the server clock only from its own requests', async () => {
  const rds = await startEndpoint({ engine: 'postgres' })
  const server = createServer((_, response) =>
    response.setHeader('date', 'Thu, 01 Jan 2015 00:00:00 GMT').end(),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  let fetching: () => void = () => {}
  const begun = new Promise<void>((resolve) => (fetching = resolve))
  // Another part of the application makes a request while the credentials are fetched.
  const request = begun.then(async () => {
    const [response] = await once(get({ port, host: '127.0.0.1' }), 'response')
    await once(response.resume(), 'end')
  })
  const credentials = async () => {
    fetching()
    await request
    return rds.identity
  }
  const found = await diagnose({ ...rds.options, iam: { ...rds.options.iam, credentials } })
  expect(found).toMatchObject({ ok: true, causes: [] })
  server.close()
  await rds.close()
})

test('import and require return the same function and load nothing else', async () => {
  const files = await filesLoaded(
    '',
    "if ((await import('rds-iam')).diagnose !== require('rds-iam').diagnose) throw new Error()",
  )
  expect(files).toEqual(['@rds-iam/cli/dist/index.js'])
})
