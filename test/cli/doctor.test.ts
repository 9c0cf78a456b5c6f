import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  startCredentialEndpoints,
  startLocalRds,
  type CredentialEndpoints,
  type LocalRdsOptions,
} from '@rds-iam/local'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startDns } from '../servers/dns'
import { expectNoSecrets, preload, rdsIam } from './command'
import { createLimitedUser } from './limited-user'
import { startStubbornSts } from './sts'
import { startTlsFront } from './tls-front'

interface Diagnosis {
  ok: boolean
  findings: { check: string; status: string; seen: string }[]
  causes: { code: string; why: string; fix: string }[]
}

/** What a fault changes of a call that works. */
interface Call {
  rds?: Omit<LocalRdsOptions, 'engine' | 'backend'>
  options?: Record<string, string | undefined>
  env?: Record<string, string>
}

type Engine = 'postgres' | 'mysql'

const NAME = 'shop.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'
const OTHER = 'other.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'
const KEYS = { accessKeyId: 'AKIATEST', secretAccessKey: 'a-secret-access-key' }
const SESSION = {
  accessKeyId: 'ASIATEST',
  secretAccessKey: 'a-secret-access-key',
  sessionToken: 'a/session+token=',
}
const SESSION_ENV = {
  AWS_ACCESS_KEY_ID: SESSION.accessKeyId,
  AWS_SECRET_ACCESS_KEY: SESSION.secretAccessKey,
  AWS_SESSION_TOKEN: SESSION.sessionToken,
}
const WITHOUT_KEYS = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }

let sts: CredentialEndpoints
let directory: string
beforeAll(async () => {
  sts = await startCredentialEndpoints()
  directory = mkdtempSync(join(tmpdir(), 'doctor-'))
})
afterAll(async () => {
  await sts.close()
  rmSync(directory, { recursive: true })
})

/** Runs doctor against an endpoint before the run's real server. */
async function doctor(engine: Engine, { rds: settings, options, env }: Call, ...flags: string[]) {
  const backend = inject(engine === 'postgres' ? 'postgresUrl' : 'mysqlUrl')
  const rds = await startLocalRds({ engine, backend, identities: [KEYS], ...settings })
  try {
    const caFile = join(directory, `${rds.port}.pem`)
    writeFileSync(caFile, rds.ca)
    const given = {
      host: 'localhost',
      port: String(rds.port),
      user: 'jane_doe',
      database: rds.database,
      engine,
      ca: caFile,
      ...options,
    }
    const args = Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    )
    const keys = { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey }
    const surroundings = { ...keys, AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL_STS: sts.url, ...env }
    const outcome = await rdsIam(['doctor', ...args, ...flags], surroundings)
    expectNoSecrets(outcome, [KEYS.secretAccessKey, SESSION.sessionToken])
    return outcome
  } finally {
    await rds.close()
  }
}

async function diagnose(engine: Engine, call: Call): Promise<Diagnosis & { status: number | null }> {
  const { stdout, stderr, status } = await doctor(engine, call, '--json')
  expect(stderr).toBe('')
  return { ...(JSON.parse(stdout) as Diagnosis), status }
}

/** Runs something with what it needs, and ends that whatever happens. */
async function using<T extends { close(): Promise<void> }, U>(
  made: Promise<T>,
  work: (it: T) => Promise<U>,
): Promise<U> {
  const it = await made
  try {
    return await work(it)
  } finally {
    await it.close()
  }
}

async function startSilence() {
  const server = createServer(() => {}).listen(0, 'localhost')
  await once(server, 'listening')
  return {
    port: String((server.address() as AddressInfo).port),
    close: async () => void server.close(),
  }
}

const withSts = (code: string | undefined, call: Call) => (engine: Engine) =>
  using(startStubbornSts(code), ({ url }) =>
    diagnose(engine, { ...call, env: { ...call.env, AWS_ENDPOINT_URL_STS: url } }),
  )

const faults: [
  name: string,
  code: string,
  run: Call | ((engine: Engine) => Promise<Diagnosis & { status: number | null }>),
][] = [
  [
    'a region that is not the one in the name',
    'REGION_MISMATCH',
    { rds: { endpoints: [NAME] }, options: { endpoint: NAME, region: 'eu-west-1' } },
  ],
  [
    'a region that is not the one of the environment',
    'REGION_MISMATCH',
    { options: { region: 'eu-west-1' } },
  ],
  ['another host in the token', 'ENDPOINT_MISMATCH', { options: { endpoint: OTHER } }],
  [
    'another endpoint behind a tunnel',
    'ENDPOINT_MISMATCH',
    { rds: { endpoints: [NAME] }, options: { endpoint: OTHER } },
  ],
  ['another port in the token', 'ENDPOINT_MISMATCH', { options: { endpoint: 'localhost:1' } }],
  [
    "a tunnel's port in the token",
    'ENDPOINT_MISMATCH',
    { rds: { endpoints: [`${NAME}:1`] }, options: { endpoint: NAME } },
  ],
  [
    'an alias',
    'ALIAS',
    (engine) =>
      using(startDns(), (names) => {
        names.aliases.set('db.shop.example', NAME)
        const env = preload({ TEST_DNS: names.address })
        return diagnose(engine, { rds: { endpoints: [NAME] }, options: { host: 'db.shop.example' }, env })
      }),
  ],
  [
    'a name of which DNS tells no endpoint',
    'ALIAS',
    (engine) =>
      using(startDns(), (names) =>
        diagnose(engine, { options: { host: 'db.shop.example' }, env: preload({ TEST_DNS: names.address }) }),
      ),
  ],
  ['a user that is not allowed', 'USER_NOT_ALLOWED', { rds: { identities: [{ ...KEYS, users: ['john'] }] } }],
  [
    'a user with a password',
    'USER_NOT_GRANTED',
    (engine) => {
      const backend = inject(engine === 'postgres' ? 'postgresUrl' : 'mysqlUrl')
      return using(startTlsFront(engine, backend), async ({ port, ca }) => {
        const file = join(directory, `front-${engine}.pem`)
        writeFileSync(file, ca)
        const { username } = new URL(backend)
        return diagnose(engine, { options: { port: String(port), ca: file, user: username } })
      })
    },
  ],
  [
    'a session that has ended, by its own word',
    'SESSION_EXPIRED',
    { env: { ...SESSION_ENV, AWS_CREDENTIAL_EXPIRATION: '2020-01-01T00:00:00Z' } },
  ],
  [
    'a session that has ended, by the word of STS',
    'SESSION_EXPIRED',
    withSts('ExpiredToken', {
      rds: { identities: [{ ...SESSION, expiration: new Date(0) }] },
      env: SESSION_ENV,
    }),
  ],
  [
    'a session that has ended, where STS cannot be asked',
    'SESSION_EXPIRED',
    withSts(undefined, { rds: { identities: [{ ...SESSION, expiration: new Date(0) }] }, env: SESSION_ENV }),
  ],
  ['a revoked key', 'KEY_UNKNOWN', withSts('InvalidClientTokenId', { rds: { identities: [SESSION] } })],
  [
    "a secret that is not the key's",
    'KEY_UNKNOWN',
    withSts('SignatureDoesNotMatch', {
      rds: { identities: [{ ...KEYS, secretAccessKey: 'another secret' }] },
    }),
  ],
  ['no credentials', 'NO_CREDENTIALS', { env: WITHOUT_KEYS }],
  [
    'a credential endpoint that hangs',
    'CREDENTIALS_TIMEOUT',
    (engine) =>
      using(startCredentialEndpoints(), (endpoints) => {
        endpoints.setFault('container', 'hang')
        return diagnose(engine, { env: { ...WITHOUT_KEYS, ...endpoints.env.container } })
      }),
  ],
  ['a clock that is 10 minutes ahead', 'CLOCK_SKEW', { env: preload({ TEST_AHEAD_MS: '600000' }) }],
  ['a clock that is 10 minutes behind', 'CLOCK_SKEW', { env: preload({ TEST_AHEAD_MS: '-600000' }) }],
  ['a server without TLS', 'TLS_NOT_OFFERED', { rds: { tls: false } }],
  ['an authority that is not trusted', 'CA_UNKNOWN', { options: { ca: undefined } }],
  ["another name's certificate", 'CERTIFICATE_NAME', { rds: { endpoints: ['elsewhere.example'] } }],
  [
    'a closed port',
    'PORT_CLOSED',
    async (engine) => {
      const { port, close } = await startSilence()
      await close()
      return diagnose(engine, { options: { port } })
    },
  ],
  [
    'a silent port',
    'PORT_SILENT',
    (engine) => using(startSilence(), ({ port }) => diagnose(engine, { options: { port } })),
  ],
  ['a database that does not exist', 'DATABASE_UNKNOWN', { options: { database: 'nowhere' } }],
  [
    'too many connections',
    'TOO_MANY_CONNECTIONS',
    (engine) =>
      using(createLimitedUser(engine), ({ login }) =>
        diagnose(engine, { rds: { backendUsers: { jane_doe: login } } }),
      ),
  ],
]

describe.each(['postgres', 'mysql'] as const)('doctor for %s', (engine) => {
  test('finds nothing where all is well', async () => {
    const { ok, status, findings, causes } = await diagnose(engine, {})
    expect({ ok, status, causes }).toEqual({ ok: true, status: 0, causes: [] })
    expect(findings.map(({ check }) => check)).toEqual([
      'options',
      'dns',
      'credentials',
      'identity',
      'region',
      'endpoint',
      'clock',
      'tcp',
      'tls',
      'token',
      'login',
      'server',
    ])
    expect(findings.every((finding) => finding.status === 'ok')).toBe(true)
    expect(findings.at(-1)?.seen).toMatch(/^(PostgreSQL|MariaDB|MySQL) [\d.]+, a writer, over TLSv1\.3$/)
  })

  test.each(faults)('names %s first: %s', async (_, code, run) => {
    const { ok, status, causes } = await (typeof run === 'function' ? run(engine) : diagnose(engine, run))
    expect({ ok, status, first: causes[0]?.code }).toEqual({ ok: false, status: 1, first: code })
    for (const { why, fix } of causes) expect([why, fix]).not.toContain('')
  })

  test('goes on without STS', async () => {
    const { ok, findings } = await withSts(undefined, {})(engine)
    expect(ok).toBe(true)
    const skipped = findings.filter(({ status }) => status === 'skipped')
    expect(skipped.map(({ check }) => check)).toEqual(['identity', 'clock'])
    for (const { seen } of skipped) expect(seen).toMatch(/does not answer within 3 s/)
  })

  test('prints no secret with --verbose, and plain lines in a pipe', async () => {
    const call = { rds: { identities: [{ ...SESSION, users: ['john'] }] }, env: SESSION_ENV }
    const { stdout, status } = await doctor(engine, call, '--verbose')
    expect(status).toBe(1)
    expect(stdout).toContain('with a session token')
    expect(stdout).toContain('"Resource": "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-…/jane_doe"')
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toContain('\r')
  })
})
