import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalRds, type LocalRdsOptions } from '@rds-iam/local'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startDns } from '../servers/dns'
import {
  startCredentialEndpoints,
  type CredentialEndpoints,
} from '../support/credential-endpoints/credential-endpoints'
import { preload, rdsIam } from './command'
import { createLimitedUser } from './limited-user'
import { startStubbornSts } from './sts'
import { startTlsFront } from './tls-front'

interface Result {
  status: number | null

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

const USUAL_PORTS = { postgres: 5432, mysql: 3306 }
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
const AHEAD = { TEST_AHEAD_MS: '600000' }
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
  const backend = backendOf(engine)
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
    return await rdsIam(['doctor', ...args, ...flags], surroundings)
  } finally {
    await rds.close()
  }
}

async function diagnose(engine: Engine, call: Call): Promise<Result> {
  const { stdout, stderr, status } = await doctor(engine, call, '--json')
  expect(stderr).toBe('')
  return { ...(JSON.parse(stdout) as Result), status }
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

async function startListener(onConnection: (socket: Socket) => void) {
  const server = createServer(onConnection).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: String((server.address() as AddressInfo).port),
    close: async () => void server.close(),
  }
}

const startSilence = () => startListener(() => {})

/** Nobody is there: neither STS nor its clock. */
const NO_STS = { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' }
type Fault = [
  name: string,
  code: string,
  run: Call | ((engine: Engine, env: Record<string, string>) => Promise<Result>),
]

const backendOf = (engine: Engine) => inject(engine === 'postgres' ? 'postgresUrl' : 'mysqlUrl')

// What is seen without the help of STS: each is looked for with and without it.
const faults: Fault[] = [
  [
    'a region that is not the one in the name',
    'REGION_MISMATCH',
    { rds: { endpoints: [NAME] }, options: { endpoint: NAME, region: 'eu-west-1' } },
  ],
  ["a region that is not the environment's", 'REGION_MISMATCH', { options: { region: 'eu-west-1' } }],
  ['a region that nothing contradicts', 'REGION_MISMATCH', { env: { AWS_REGION: 'eu-west-1' } }],
  ['another host in the token', 'ENDPOINT_MISMATCH', { options: { endpoint: OTHER } }],
  [
    'another endpoint behind a tunnel',
    'ENDPOINT_MISMATCH',
    { rds: { endpoints: [NAME] }, options: { endpoint: OTHER } },
  ],
  [
    'one of the names in the certificate, but not the one that counts',
    'ENDPOINT_MISMATCH',
    (engine, env) =>
      diagnose(engine, {
        rds: { endpoints: [`${OTHER}:1`, NAME] },
        options: { endpoint: `${OTHER}:${USUAL_PORTS[engine]}` },
        env,
      }),
  ],
  ['another port in the token', 'ENDPOINT_MISMATCH', { options: { endpoint: 'localhost:1' } }],
  [
    "a tunnel's port in the token",
    'ENDPOINT_MISMATCH',
    (engine, env) => {
      const endpoints = [`${NAME}:${USUAL_PORTS[engine]}`]
      return diagnose(engine, { rds: { endpoints }, options: { endpoint: NAME }, env })
    },
  ],
  [
    'an alias',
    'ALIAS',
    (engine, env) =>
      using(startDns(), (names) => {
        names.aliases.set('db.shop.example', NAME)
        const call = { rds: { endpoints: [NAME] }, options: { host: 'db.shop.example' } }
        return diagnose(engine, { ...call, env: { ...env, ...preload({ TEST_DNS: names.address }) } })
      }),
  ],
  [
    'a name of which DNS tells no endpoint',
    'ALIAS',
    async (engine, env) => {
      const call = { rds: { endpoints: [NAME] }, options: { host: 'db.shop.example' } }
      const result = await using(startDns(), ({ address }) =>
        diagnose(engine, { ...call, env: { ...env, ...preload({ TEST_DNS: address }) } }),
      )
      // The certificate tells it.
      expect(result.causes[0]?.fix).toContain(`--endpoint ${NAME}:`)
      return result
    },
  ],
  ['an address for a name', 'ALIAS', { options: { host: '192.0.2.1' } }],
  ['a name that DNS does not know', 'NAME_UNKNOWN', { options: { host: 'no-such-name.invalid' } }],
  ['a user that is not allowed', 'USER_NOT_ALLOWED', { rds: { identities: [{ ...KEYS, users: ['john'] }] } }],
  [
    'a user that is not allowed behind a tunnel to an unusual port',
    'USER_NOT_ALLOWED',
    {
      rds: { endpoints: [`${NAME}:6000`], identities: [{ ...KEYS, users: ['john'] }] },
      options: { endpoint: `${NAME}:6000` },
    },
  ],
  [
    'a user that is not allowed in a session that says when it ends',
    'USER_NOT_ALLOWED',
    {
      rds: { identities: [{ ...SESSION, users: ['john'] }] },
      env: { ...SESSION_ENV, AWS_CREDENTIAL_EXPIRATION: '2099-01-01T00:00:00Z' },
    },
  ],
  [
    'a user with a password',
    'USER_NOT_GRANTED',
    (engine, env) => {
      const backend = backendOf(engine)
      return using(startTlsFront(engine, backend), ({ port, ca }) => {
        const file = join(directory, `front-${engine}.pem`)
        writeFileSync(file, ca)
        const { username } = new URL(backend)
        return diagnose(engine, { options: { port: String(port), ca: file, user: username }, env })
      })
    },
  ],
  [
    'a session that has ended, by its own word',
    'SESSION_EXPIRED',
    { env: { ...SESSION_ENV, AWS_CREDENTIAL_EXPIRATION: '2020-01-01T00:00:00Z' } },
  ],
  ['no credentials', 'NO_CREDENTIALS', { env: WITHOUT_KEYS }],
  [
    'a credential endpoint that hangs',
    'CREDENTIALS_TIMEOUT',
    (engine, env) =>
      using(startCredentialEndpoints(), (endpoints) => {
        endpoints.setFault('container', 'hang')
        return diagnose(engine, { env: { ...env, ...WITHOUT_KEYS, ...endpoints.env.container } })
      }),
  ],
  [
    'a clock that is 10 minutes ahead of the credential endpoint',
    'CLOCK_SKEW',
    (engine, env) =>
      using(startCredentialEndpoints(), (endpoints) => {
        const surroundings = { ...env, ...WITHOUT_KEYS, ...endpoints.env.container }
        return diagnose(engine, { env: { ...surroundings, ...preload(AHEAD) } })
      }),
  ],
  [
    'a clock that is 10 minutes ahead of the instance metadata, with keys from the environment',
    'CLOCK_SKEW',
    (engine, env) =>
      using(startCredentialEndpoints(), (endpoints) => {
        const metadata = { ...endpoints.env.imds, AWS_EC2_METADATA_DISABLED: 'false' }
        return diagnose(engine, { env: { ...env, ...metadata, ...preload(AHEAD) } })
      }),
  ],
  ['a server without TLS', 'TLS_NOT_OFFERED', { rds: { tls: false } }],
  ['an authority that is not trusted', 'CA_UNKNOWN', { options: { ca: undefined } }],
  ["another name's certificate", 'CERTIFICATE_NAME', { rds: { endpoints: ['elsewhere.example'] } }],
  [
    'a closed port',
    'PORT_CLOSED',
    async (engine, env) => {
      const { port, close } = await startSilence()
      await close()
      return diagnose(engine, { options: { port }, env })
    },
  ],
  [
    'a tunnel to a closed port',
    'PORT_CLOSED',
    (engine, env) =>
      using(
        startListener((socket) => socket.destroy()),
        ({ port }) => diagnose(engine, { options: { port }, env }),
      ),
  ],
  [
    'what is no database at all',
    'ENGINE_MISMATCH',
    (engine, env) =>
      using(
        startListener((socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n')),
        ({ port }) => diagnose(engine, { options: { port }, env }),
      ),
  ],
  [
    'the other engine',
    'ENGINE_MISMATCH',
    async (engine, env) => {
      const other = engine === 'mysql' ? 'postgres' : 'mysql'
      const outcome = await using(startLocalRds({ engine: other, backend: backendOf(other) }), ({ port }) =>
        diagnose(engine, { options: { port: String(port) }, env }),
      )
      expect(outcome.causes[0]?.fix).toBe(`--engine ${other}`)
      return outcome
    },
  ],
  [
    'a silent port',
    'PORT_SILENT',
    (engine, env) => using(startSilence(), ({ port }) => diagnose(engine, { options: { port }, env })),
  ],
  ['a database that does not exist', 'DATABASE_UNKNOWN', { options: { database: 'nowhere' } }],
  [
    'too many connections',
    'TOO_MANY_CONNECTIONS',
    (engine, env) =>
      using(createLimitedUser(engine), ({ login }) =>
        diagnose(engine, { rds: { backendUsers: { jane_doe: login } }, env }),
      ),
  ],
  [
    'too many connections, said before TLS',
    'TOO_MANY_CONNECTIONS',
    (engine, env) => {
      const answer = (socket: Socket) => {
        if (engine === 'mysql') socket.end(FULL.mysql)
        else socket.once('data', () => socket.end(FULL.postgres))
      }
      return using(startListener(answer), ({ port }) => diagnose(engine, { options: { port }, env }))
    },
  ],
]

/** What a server says that has no room for anybody. */
const FULL = {
  postgres: Buffer.from('E\0\0\0\x32SFATAL\0C53300\0Msorry, too many clients already\0\0', 'latin1'),
  mysql: Buffer.from('\x17\0\0\0\xff\x10\x04Too many connections', 'latin1'),
}

const sayingNo = (code: string, call: Call) => (engine: Engine) =>
  using(startStubbornSts(code), ({ url }) =>
    diagnose(engine, { ...call, env: { ...call.env, AWS_ENDPOINT_URL_STS: url } }),
  )

const ENDED = { rds: { identities: [{ ...SESSION, expiration: new Date(0) }] }, env: SESSION_ENV }

// What STS tells.
const faultsBySts: Fault[] = [
  ['a session that has ended', 'SESSION_EXPIRED', sayingNo('ExpiredToken', ENDED)],
  ['a revoked key', 'KEY_UNKNOWN', sayingNo('InvalidClientTokenId', { rds: { identities: [SESSION] } })],
  [
    "a secret that is not the key's",
    'KEY_UNKNOWN',
    sayingNo('SignatureDoesNotMatch', {
      rds: { identities: [{ ...KEYS, secretAccessKey: 'another secret' }] },
    }),
  ],
  [
    'a user that is not allowed in a session',
    'USER_NOT_ALLOWED',
    { rds: { identities: [{ ...SESSION, users: ['john'] }] }, env: SESSION_ENV },
  ],
  ['a clock that is 10 minutes ahead', 'CLOCK_SKEW', { env: preload(AHEAD) }],
  ['a clock that is 10 minutes behind', 'CLOCK_SKEW', { env: preload({ TEST_AHEAD_MS: '-600000' }) }],
]

// What has to be guessed where nobody can be asked.
const faultsWithoutSts: Fault[] = [['a session that has ended', 'SESSION_EXPIRED', ENDED]]

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

  describe.each([
    ['with STS', {}, [...faults, ...faultsBySts]],
    ['without STS', NO_STS, [...faults, ...faultsWithoutSts]],
  ])('%s', (_, env, all) => {
    test.each(all)('names %s first: %s', async (_, code, run) => {
      const { ok, status, causes } = await (typeof run === 'function'
        ? run(engine, env)
        : diagnose(engine, { ...run, env: { ...env, ...run.env } }))
      expect({ ok, status, first: causes[0]?.code }).toEqual({ ok: false, status: 1, first: code })
      for (const { why, fix } of causes) expect([why, fix]).not.toContain('')
    })
  })

  test('goes on without an answer from STS', async () => {
    const { ok, findings } = await using(startSilence(), ({ port }) =>
      diagnose(engine, { env: { AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${port}` } }),
    )
    expect(ok).toBe(true)
    const skipped = findings.filter(({ status }) => status === 'skipped')
    expect(skipped.map(({ check }) => check)).toEqual(['identity', 'clock'])
    expect(skipped[0]?.seen).toMatch(/does not answer within 3 s/)
  })

  test('writes plain lines in a pipe, more of them with --verbose', async () => {
    const call = { rds: { identities: [{ ...SESSION, users: ['john'] }] }, env: SESSION_ENV }
    const { stdout, status } = await doctor(engine, call, '--verbose')
    expect(status).toBe(1)
    expect(stdout).toContain('with a session token')
    expect(stdout).toContain('"Resource": "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-…/jane_doe"')
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toContain('\r')
  })
})
