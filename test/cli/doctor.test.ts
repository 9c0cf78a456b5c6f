import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startLocalRds, type LocalRdsOptions } from '@rds-iam/local'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startDns } from '../servers/dns'
import {
  startCredentialEndpoints,
  type CredentialEndpoints,
} from '../support/credential-endpoints/credential-endpoints'
import { preload, startCommandProcess } from './command'
import { createLimitedUser } from './limited-user'
import { startStubbornSts } from './sts'
import { startTlsFront } from './tls-front'

interface Result {
  status: number | null

  ok: boolean
  findings: { check: string; status: string; seen: string }[]
  causes: { code: string; why: string; fix: string }[]
}

/** How a faulty call differs from one that works. */
interface Call {
  rds?: Omit<LocalRdsOptions, 'engine'>
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

let command: Awaited<ReturnType<typeof startCommandProcess>>
let sts: CredentialEndpoints
let directory: string
beforeAll(async () => {
  command = await startCommandProcess()
  sts = await startCredentialEndpoints()
  directory = mkdtempSync(join(tmpdir(), 'doctor-'))
})
afterAll(async () => {
  await command.close()
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
    return await command.run(['doctor', ...args, ...flags], surroundings)
  } finally {
    await rds.close()
  }
}

async function diagnose(engine: Engine, call: Call): Promise<Result> {
  const { stdout, stderr, status } = await doctor(engine, call, '--json')
  expect(stderr).toBe('')
  return { ...(JSON.parse(stdout) as Result), status }
}

/** Runs `work` with a server, and closes the server afterwards. */
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

/** A relay to the run's real server that forwards nothing from the first packet on that contains `marker`. */
async function startFreezingRelay(engine: Engine, marker: string) {
  const url = new URL(backendOf(engine))
  const { hostname, port } = url
  const relay = await startListener((client) => {
    const server = connect(Number(port), hostname)
    let isFrozen = false
    const forward = (from: Socket, to: Socket) =>
      from
        .on('error', () => {})
        .on('close', () => to.destroy())
        .on('data', (chunk) => {
          isFrozen ||= chunk.includes(marker)
          if (!isFrozen) to.write(chunk)
        })
    forward(client, server)
    forward(server, client)
  })
  url.port = relay.port
  url.hostname = '127.0.0.1'
  return { backend: url.href, close: relay.close }
}

/** An environment where STS cannot be reached. */
const NO_STS = { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' }
type Fault = [
  name: string,
  code: string,
  run: Call | ((engine: Engine, env: Record<string, string>) => Promise<Result>),
]

const backendOf = (engine: Engine) => inject(engine === 'postgres' ? 'postgresUrl' : 'mysqlUrl')

// Faults that doctor finds with STS and without it.
const faults: Fault[] = [
  [
    "another region than the endpoint's",
    'REGION_MISMATCH',
    { rds: { endpoints: [NAME] }, options: { endpoint: NAME, region: 'eu-west-1' } },
  ],
  ["another region than the environment's", 'REGION_MISMATCH', { options: { region: 'eu-west-1' } }],
  ['a wrong region that only the login shows', 'REGION_MISMATCH', { env: { AWS_REGION: 'eu-west-1' } }],
  ['another host in the token', 'ENDPOINT_MISMATCH', { options: { endpoint: OTHER } }],
  [
    'another endpoint behind a tunnel',
    'ENDPOINT_MISMATCH',
    (engine, env) => {
      const endpoints = [`${NAME}:${USUAL_PORTS[engine]}`]
      return diagnose(engine, { rds: { endpoints }, options: { endpoint: OTHER }, env })
    },
  ],
  [
    'another name of the certificate in the token',
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
      return diagnose(engine, { rds: { endpoints }, options: { endpoint: `${NAME}:6543` }, env })
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
    'an alias without a CNAME record',
    'ALIAS',
    async (engine, env) => {
      const call = { rds: { endpoints: [NAME] }, options: { host: 'db.shop.example' } }
      const result = await using(startDns(), ({ address }) =>
        diagnose(engine, { ...call, env: { ...env, ...preload({ TEST_DNS: address }) } }),
      )
      // Only the certificate names the endpoint.
      expect(result.causes[0]?.fix).toContain(`--endpoint ${NAME}:`)
      return result
    },
  ],
  ['an IP address as the host', 'ALIAS', { options: { host: '192.0.2.1' } }],
  ['an unknown host name', 'NAME_UNKNOWN', { options: { host: 'no-such-name.invalid' } }],
  ['a user that is not allowed', 'USER_NOT_ALLOWED', { rds: { identities: [{ ...KEYS, users: ['john'] }] } }],
  [
    'a user that is not allowed, through a tunnel to an unusual port',
    'USER_NOT_ALLOWED',
    {
      rds: { endpoints: [`${NAME}:6000`], identities: [{ ...KEYS, users: ['john'] }] },
      options: { endpoint: `${NAME}:6000` },
    },
  ],
  [
    'a user that is not allowed, and a session with an expiry',
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
    'a session whose expiry has passed',
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
  ['a CA that is not trusted', 'CA_UNKNOWN', { options: { ca: undefined } }],
  ['a certificate for another name', 'CERTIFICATE_NAME', { rds: { endpoints: ['elsewhere.example'] } }],
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
    'a server that is not a database',
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
    'too many connections, reported before TLS',
    'TOO_MANY_CONNECTIONS',
    (engine, env) => {
      const answer = (socket: Socket) =>
        sayNoMore(engine, socket, serverError(engine, 'Too many connections'))
      return using(startListener(answer), ({ port }) => diagnose(engine, { options: { port }, env }))
    },
  ],
]

/** What a server that has no room for another connection says before TLS. */
function serverError(engine: Engine, message: string): Buffer {
  const fields = Buffer.from(engine === 'mysql' ? message : `SFATAL\0C53300\0M${message}\0\0`)
  const head =
    engine === 'mysql' ? [fields.length + 3, 0, 0, 0, 0xff, 0x10, 0x04] : [0x45, 0, 0, 0, fields.length + 4]
  return Buffer.concat([Buffer.from(head), fields])
}

/** Answers as a server of the engine does, and closes: MySQL speaks first. */
function sayNoMore(engine: Engine, socket: Socket, answer: Buffer): void {
  if (engine === 'mysql') socket.end(answer)
  else socket.once('data', () => socket.end(answer))
}

const sayingNo = (code: string, call: Call) => (engine: Engine) =>
  using(startStubbornSts(code), ({ url }) =>
    diagnose(engine, { ...call, env: { ...call.env, AWS_ENDPOINT_URL_STS: url } }),
  )

const ENDED = { rds: { identities: [{ ...SESSION, expiration: new Date(0) }] }, env: SESSION_ENV }

// Faults that only STS shows.
const faultsBySts: Fault[] = [
  ['an expired session', 'SESSION_EXPIRED', sayingNo('ExpiredToken', ENDED)],
  ['a revoked key', 'KEY_UNKNOWN', sayingNo('InvalidClientTokenId', { rds: { identities: [SESSION] } })],
  [
    'a wrong secret key',
    'KEY_UNKNOWN',
    sayingNo('SignatureDoesNotMatch', {
      rds: { identities: [{ ...KEYS, secretAccessKey: 'another secret' }] },
    }),
  ],
  [
    'a user that is not allowed, and temporary credentials',
    'USER_NOT_ALLOWED',
    { rds: { identities: [{ ...SESSION, users: ['john'] }] }, env: SESSION_ENV },
  ],
  ['a clock that is 10 minutes ahead', 'CLOCK_SKEW', { env: preload(AHEAD) }],
  ['a clock that is 10 minutes behind', 'CLOCK_SKEW', { env: preload({ TEST_AHEAD_MS: '-600000' }) }],
]

// Faults that doctor guesses without STS.
const faultsWithoutSts: Fault[] = [['an expired session', 'SESSION_EXPIRED', ENDED]]

describe.each(['postgres', 'mysql'] as const)('doctor for %s', (engine) => {
  test('finds no cause when the login works', async () => {
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
    test.each(all)('with %s, ranks %s first', async (_, code, run) => {
      const { ok, status, causes } = await (typeof run === 'function'
        ? run(engine, env)
        : diagnose(engine, { ...run, env: { ...env, ...run.env } }))
      expect({ ok, status, first: causes[0]?.code }).toEqual({ ok: false, status: 1, first: code })
      for (const { why, fix } of causes) expect([why, fix]).not.toContain('')
    })
  })

  test('skips identity and clock when STS does not answer', async () => {
    const { ok, findings } = await using(startSilence(), ({ port }) =>
      diagnose(engine, { env: { AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${port}` } }),
    )
    expect(ok).toBe(true)
    const skipped = findings.filter(({ status }) => status === 'skipped')
    expect(skipped.map(({ check }) => check)).toEqual(['identity', 'clock'])
    expect(skipped[0]?.seen).toMatch(/does not answer within 3 s/)
  })

  // doctor waits 10 s for a login.
  test('reports a server that stops answering during or after the login', { timeout: 60_000 }, async () => {
    const silences = [
      ['login', new URL(backendOf(engine)).username],
      ['server', 'select version()'],
    ] as const
    await Promise.all(
      silences.map(async ([check, marker]) => {
        const { ok, status, findings, causes } = await using(
          startFreezingRelay(engine, marker),
          ({ backend }) => diagnose(engine, { rds: { backend } }),
        )
        expect({ ok, status, cause: causes[0]?.code }).toEqual({ ok: false, status: 1, cause: 'PORT_SILENT' })
        expect(findings.at(-1)).toMatchObject({ check, status: 'failed' })
      }),
    )
  })

  test('escapes control characters in what a server says before TLS', async () => {
    const call = (port: string) => ({ options: { port }, env: NO_STS })
    const hostile = '\u001b[2J\u009b31m\u202e\r\n✓ login'
    const outputs = await using(
      startListener((socket) => sayNoMore(engine, socket, serverError(engine, hostile))),
      async ({ port }) => [
        (await doctor(engine, call(port), '--verbose')).stdout,
        (await doctor(engine, call(port), '--json')).stdout,
      ],
    )
    for (const output of outputs) {
      expect(output).toMatch(/\\u\{1b\}\[2J(\\\\|\\)u\{9b\}31m/)
      expect(output).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
      expect(output).not.toMatch(/^✓ login/m)
    }
  })

  const greeting = serverError(engine, 'Too many connections')
  test.each([
    ['closes in the middle of an error', greeting.subarray(0, -3), 'PORT_CLOSED'],
    ['closes in the header of an error', greeting.subarray(0, 3), 'PORT_CLOSED'],
    ['sends a greeting without its fields', Buffer.from('\x05\0\0\0\x0a8.0.', 'latin1'), 'ENGINE_MISMATCH'],
    ['sends an error without its fields', Buffer.from('\x01\0\0\0\xff', 'latin1'), 'ENGINE_MISMATCH'],
  ])('names the cause when the server %s', async (_, answer, code) => {
    const { causes } = await using(
      startListener((socket) => sayNoMore(engine, socket, answer)),
      ({ port }) => diagnose(engine, { options: { port }, env: NO_STS }),
    )
    expect(causes[0]?.code).toBe(code)
    expect(causes[0]?.why).not.toMatch(/offset|range|undefined/i)
  })

  test('reads an error that arrives byte by byte', async () => {
    const { causes } = await using(
      startListener(async (socket) => {
        socket.setNoDelay(true)
        if (engine === 'postgres') await once(socket, 'data')
        for (const byte of greeting) {
          await promisify((done: (error?: Error | null) => void) => socket.write(Buffer.of(byte), done))()
          await setImmediate()
        }
        socket.end()
      }),
      ({ port }) => diagnose(engine, { options: { port }, env: NO_STS }),
    )
    expect(causes[0]).toMatchObject({ code: 'TOO_MANY_CONNECTIONS', why: 'Too many connections' })
  })

  test('writes no control characters into a pipe, and details with --verbose', async () => {
    const call = { rds: { identities: [{ ...SESSION, users: ['john'] }] }, env: SESSION_ENV }
    const { stdout, status } = await doctor(engine, call, '--verbose')
    expect(status).toBe(1)
    expect(stdout).toContain('with a session token')
    expect(stdout).toContain('"Resource": "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-…/jane_doe"')
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toContain('\r')
  })
})
