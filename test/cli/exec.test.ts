// The programs that `rds-iam exec` logs in, directly and through a tunnel, and the relay that it opens for them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { requirePrograms } from '../local/clients/programs'
import { bundleProgram } from '../support/bundle-program'
import { BARE, preload, PROGRAM, rdsIam } from './command'

type Engine = 'postgres' | 'mysql'

const NAME = 'shop.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'
const PORTS = { postgres: 5432, mysql: 3306 }
const TESTS = fileURLToPath(new URL('..', import.meta.url))

let directory: string
let prismaClient: string
const endpoints = {} as Record<Engine, TestEndpoint>
beforeAll(async () => {
  await requirePrograms({ psql: 'postgresql-client', mariadb: 'mariadb-client-core' })
  directory = mkdtempSync(join(tmpdir(), 'exec-'))
  prismaClient = await bundleProgram(new URL('tools/prisma-client.ts', import.meta.url))
  for (const engine of ['postgres', 'mysql'] as const) {
    const rds = await startEndpoint({ engine, endpoints: ['localhost', `${NAME}:${PORTS[engine]}`] })
    writeFileSync(join(directory, `${engine}.pem`), rds.ca)
    endpoints[engine] = rds
  }
}, 600_000)
afterAll(async () => {
  for (const rds of Object.values(endpoints)) await rds.close()
  rmSync(directory, { recursive: true })
})

type Way = 'directly' | 'through a tunnel'
const WAYS: Way[] = ['directly', 'through a tunnel']

function loginOf(engine: Engine, way: Way): string[] {
  const { port, user, database } = endpoints[engine]
  const ca = join(directory, `${engine}.pem`)
  const login = { host: 'localhost', port, user, database, engine, ca }
  const tunnel = way === 'directly' ? [] : ['--endpoint', `${NAME}:${PORTS[engine]}`]
  return [...Object.entries(login).flatMap(([name, value]) => [`--${name}`, `${value}`]), ...tunnel]
}

const exec = (engine: Engine, way: Way, command: string[], env: Record<string, string> = {}) =>
  rdsIam(
    ['exec', ...loginOf(engine, way), '--', ...command],
    { ...endpoints[engine].env, ...env },
    { cwd: TESTS },
  )

const tool = (name: string) => `node_modules/.bin/${name}`
// Leaves out the secret key, which the test's environment contains.
const PRINT = `for (const [name, value] of Object.entries(process.env)) if (!name.startsWith('AWS_')) console.log(name + '=' + value)`
const byUrl = (driver: string) => [process.execPath, 'cli/query-by-url.cjs', driver]

const COMMON: [name: string, command: () => string[], expected: RegExp][] = [
  [
    'drizzle-kit',
    () => [tool('drizzle-kit'), 'migrate', '--config', 'cli/tools/drizzle.config.ts'],
    /applied successfully/,
  ],
  ['kysely-ctl', () => [tool('kysely'), 'sql', 'select 40 + 2', '--cwd', 'cli/tools'], /\b42\b/],
  [
    'knex',
    () => [tool('knex'), '--knexfile', 'cli/tools/knexfile.cjs', 'migrate:currentVersion'],
    /Current Version: none/,
  ],
  [
    'sequelize-cli',
    () => [
      tool('sequelize-cli'),
      'db:migrate:status',
      '--config=cli/tools/sequelize.cjs',
      '--migrations-path=examples/sequelize-migrations',
    ],
    /down 20260101000000-orders/,
  ],
  ['typeorm', () => [tool('typeorm'), 'query', 'select 40 + 2', '-d', 'cli/tools/data-source.cjs'], /\b42\b/],
]
const OWN: Record<Engine, typeof COMMON> = {
  postgres: [
    ['psql', () => ['psql', '-XAtqc', 'select 40 + 2'], /^42\n$/],
    // An older pg_dump logs in, and then rejects the server's version.
    [
      'pg_dump',
      () => ['sh', '-c', 'pg_dump --schema-only 2>&1; true'],
      /PostgreSQL database dump|server version: \d/,
    ],
    ['node-postgres', () => byUrl('pg'), /^42\n$/],
    ['node-postgres with PGHOST and the other PG variables', () => byUrl('pg-environment'), /^42\n$/],
    ['postgres.js', () => byUrl('postgres'), /^42\n$/],
    ['Prisma Client', () => [process.execPath, prismaClient, 'postgres'], /^42\n$/],
  ],
  mysql: [
    ['mysql', () => ['mariadb', '-Ne', 'select 40 + 2'], /^42\n$/],
    ['mysql2', () => byUrl('mysql2'), /^42\n$/],
    ['Prisma Client', () => [process.execPath, prismaClient, 'mysql'], /^42\n$/],
    [
      'mysql that begins with another plugin',
      () => ['mariadb', '--default-auth=mysql_native_password', '-Ne', 'select 40 + 2'],
      /^42\n$/,
    ],
  ],
}

describe.each(['postgres', 'mysql'] as const)('%s', (engine) => {
  describe.each(WAYS)('%s exec logs in', (way) => {
    test.concurrent.each([...OWN[engine], ...COMMON])('%s', async (_, command, expected) => {
      const { status, stdout, stderr } = await exec(engine, way, command())
      expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: expect.stringMatching(expected) })
      expect(stdout + stderr).not.toContain('X-Amz')
    })
  })

  const tunnel = (command: string[], env?: Record<string, string>) =>
    exec(engine, 'through a tunnel', command, env)
  const driver = engine === 'postgres' ? 'pg' : 'mysql2'

  test('the relay gives the command its own password instead of a token', async () => {
    const print = [process.execPath, '-e', PRINT]
    const [first, second] = await Promise.all([tunnel(print), tunnel(print)])
    const [url, other] = [first, second].map(({ stdout }) => /DATABASE_URL=(.*)/.exec(stdout)?.[1] ?? '')
    expect(url).toMatch(/:\/\/jane_doe:[0-9a-f]{64}@127\.0\.0\.1:\d+\/app$/)
    expect(new URL(url ?? '').password).not.toBe(new URL(other ?? '').password)
    expect(first?.stdout).not.toContain('X-Amz')
  })

  test('the relay refuses a client without its password before it logs in to the server', async () => {
    const { logins } = endpoints[engine]
    const wrong = `const url = new URL(process.env.DATABASE_URL)
      url.password = url.password.replace(/./g, '0')
      process.env.DATABASE_URL = url.href
      process.argv[2] = '${driver}'
      require('./cli/query-by-url.cjs')`
    const outcome = await tunnel([process.execPath, '-e', wrong, '--', driver])
    expect(outcome).toMatchObject({ status: 3, stdout: expect.stringContaining('rds-iam: wrong password') })
    expect(endpoints[engine].logins).toHaveLength(logins.length)
  })

  test('the relay sends no token when the certificate has another name or another CA', async () => {
    const other = await startEndpoint({ engine })
    const ca = join(directory, 'other.pem')
    writeFileSync(ca, other.ca)
    const { logins } = endpoints[engine]
    const login = loginOf(engine, 'through a tunnel')
    const elsewhere = NAME.replace('shop', 'other')
    for (const options of [
      ['--ca', ca],
      ['--endpoint', elsewhere],
    ]) {
      const command = ['exec', ...login, ...options, '--', ...byUrl(driver)]
      const env = { ...endpoints[engine].env, NODE_TLS_REJECT_UNAUTHORIZED: '0' }
      const outcome = await rdsIam(command, env, { cwd: TESTS })
      expect(outcome).toMatchObject({ status: 3, stdout: expect.stringContaining('certificate') })
    }
    expect(endpoints[engine].logins).toHaveLength(logins.length)
    await other.close()
  })

  test("the relay passes the server's error on", async () => {
    const rds = endpoints[engine]
    rds.setIdentities([{ ...rds.identity, users: ['john'] }])
    const { stdout } = await tunnel(byUrl(driver))
    rds.setIdentities([rds.identity])
    expect(stdout).toMatch(
      engine === 'postgres' ? /^28000 PAM authentication failed/ : /^ER_ACCESS_DENIED_ERROR Access denied/,
    )
  })

  test('the relay serves the next client after the server has reset a connection', async () => {
    const sockets = new Set<Socket>()
    const hop = createServer((client) => {
      sockets.add(client.on('error', () => {}))
      const server = connect(endpoints[engine].port, 'localhost').on('error', () => {})
      client.pipe(server).pipe(client)
    })
    await once(hop.listen(0, '127.0.0.1'), 'listening')
    const { port } = hop.address() as AddressInfo
    const query = `
      const open = ${
        engine === 'postgres'
          ? `async () => { const client = new (require('pg').Client)(url); await client.connect(); return client }`
          : `() => require('mysql2/promise').createConnection(url)`
      }
      const url = process.env.DATABASE_URL
      open().then(async (client) => {
        const lost = new Promise((resolve) => client.once('error', resolve))
        console.log('open')
        await lost
        const next = await open()
        console.log('open again')
        await next.end()
      })`
    const login = [...loginOf(engine, 'through a tunnel'), '--port', `${port}`]
    const outcome = await rdsIam(
      ['exec', ...login, '--', process.execPath, '-e', query],
      endpoints[engine].env,
      {
        cwd: TESTS,
        begun: ({ stdout }) =>
          stdout?.once('data', () => {
            for (const socket of sockets) socket.resetAndDestroy()
          }),
      },
    )
    expect(outcome).toMatchObject({ status: 0, stdout: 'open\nopen again\n' })
    hop.close()
  })

  test('the relay reports an error when the tunnel is closed', async () => {
    const login = loginOf(engine, 'through a tunnel')
    const command = ['exec', ...login, '--port', '1', '--', ...byUrl(driver)]
    const { stdout } = await rdsIam(command, endpoints[engine].env, { cwd: TESTS })
    expect(stdout).toContain('rds-iam: connect ECONNREFUSED 127.0.0.1:1')
  })

  test('the relay tries each address of the tunnel', async () => {
    const outcome = await tunnel(byUrl(driver), preload({ TEST_LOCALHOST: '127.0.0.2 127.0.0.1' }))
    expect(outcome).toMatchObject({ status: 0, stdout: '42\n' })
  })

  test('exec fails before it starts the command when there are no credentials', async () => {
    const outcome = await tunnel(['echo', 'started'], { AWS_ACCESS_KEY_ID: '' })
    expect(outcome).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^rds-iam: no AWS cred/),
    })
  })

  test.each(['SIGTERM', 'SIGKILL'] as const)('the relay stops after %s', async (signal) => {
    const script = 'console.log(new URL(process.env.DATABASE_URL).port); setInterval(() => {}, 1e6)'
    const args = [
      PROGRAM,
      'exec',
      ...loginOf(engine, 'through a tunnel'),
      '--',
      process.execPath,
      '-e',
      script,
    ]
    const child = spawn(process.execPath, args, {
      env: { ...BARE, ...endpoints[engine].env, TMPDIR: directory },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    const [port] = (await once(child.stdout, 'data')) as [Buffer]
    const client = connect(Number(port), '127.0.0.1').resume()
    await once(client, 'connect')
    const closed = new Promise((resolve) => client.on('error', () => {}).once('close', resolve))
    child.kill(signal)
    await Promise.all([closed, once(child, 'exit')])
    const [error] = await once(connect(Number(port), '127.0.0.1'), 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
    // After SIGKILL the command continues without the relay.
    if (signal === 'SIGKILL') process.kill(-(child.pid ?? 0), 'SIGTERM')
  })
})

test("the relay passes on the SQLSTATE of the server's error", async () => {
  const connectToUnknown = `
    const url = new URL(process.env.DATABASE_URL)
    url.pathname = '/unknown'
    require('mysql2/promise')
      .createConnection(url.href)
      .catch(({ errno, sqlState }) => console.log(errno, sqlState))`
  const { stdout } = await exec('mysql', 'through a tunnel', [process.execPath, '-e', connectToUnknown])
  expect(stdout).toBe('1049 42000\n')
})

test('the relay closes a client that does not log in within the time limit, although it sends data', async () => {
  const trickle = `
    const { port } = new URL(process.env.DATABASE_URL)
    const client = require('node:net').connect(port, '127.0.0.1', () => client.write(Buffer.from([0, 0, 16, 0])))
    const timer = setInterval(() => client.write('.'), 20)
    client.on('error', () => {}).resume().once('close', () => {
      clearInterval(timer)
      console.log('closed')
    })`
  const env = preload({ TEST_LOGIN_LIMIT_MS: '200' })
  const outcome = await exec('postgres', 'through a tunnel', [process.execPath, '-e', trickle], env)
  expect(outcome).toMatchObject({ status: 0, stdout: 'closed\n' })
})

test('psql cancels a query through the relay', async () => {
  const script = `psql -XAtqc 'select pg_sleep(100)' & until psql -XAtqc "select 1 from pg_stat_activity where query like '%sleep(100)' and state = 'active' and pid <> pg_backend_pid()" | grep -q 1; do :; done; kill -INT $!; wait $!`
  const { stderr } = await exec('postgres', 'through a tunnel', ['bash', '-c', `set -m; ${script}`])
  expect(stderr).toContain('canceling statement due to user request')
})

test('a client that ends its side right after a cancel request cancels its query through the relay', async () => {
  const cancel = `
    const { connect } = require('node:net')
    const { Client } = require('pg')
    const client = new Client(process.env.DATABASE_URL)
    client.connect().then(async () => {
      const request = Buffer.alloc(16)
      const numbers = [16, 80_877_102, client.processID, client.secretKey]
      numbers.forEach((number, at) => request.writeInt32BE(number, at * 4))
      // A request that comes before the query has no effect.
      const timer = setInterval(() => connect(client.port, client.host).end(request), 200)
      await client.query('select pg_sleep(100)').catch(({ code }) => console.log(code))
      clearInterval(timer)
      await client.end()
    })`
  const outcome = await exec('postgres', 'through a tunnel', [process.execPath, '-e', cancel])
  expect(outcome).toMatchObject({ status: 0, stdout: '57014\n' })
})

test('behind the relay libpq does not begin with TLS, even if the user has set direct TLS', async () => {
  const print = ['sh', '-c', 'echo "$PGSSLMODE $PGSSLNEGOTIATION"']
  const outcome = await exec('postgres', 'through a tunnel', print, { PGSSLNEGOTIATION: 'direct' })
  expect(outcome).toMatchObject({ status: 0, stdout: 'disable postgres\n' })
})
