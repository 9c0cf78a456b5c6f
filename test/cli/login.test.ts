import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startLocalRds, type LocalRds } from '@rds-iam/local'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { requirePrograms } from '../local/clients/programs'
import { preload, rdsIam } from './command'

type Engine = 'postgres' | 'mysql'

const SESSION = {
  accessKeyId: 'ASIATEST',
  secretAccessKey: 'a-secret-access-key',
  // 2.5 KB, with all that must be percent-encoded.
  sessionToken: 'FwoGZXIvYXdzE/+='.repeat(160),
}
const QUERY_BY_URL = fileURLToPath(new URL('query-by-url.cjs', import.meta.url))
const NAME = 'shop.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'

let directory: string
beforeAll(async () => {
  await requirePrograms({ psql: 'postgresql-client', mariadb: 'mariadb-client-core' })
  directory = mkdtempSync(join(tmpdir(), 'login-'))
}, 600_000)
afterAll(() => rmSync(directory, { recursive: true }))

/** Starts an endpoint, and returns the arguments and the environment for it. */
async function start(engine: Engine, endpoints?: string[]) {
  const backend = inject(engine === 'postgres' ? 'postgresUrl' : 'mysqlUrl')
  const rds = await startLocalRds({
    engine,
    backend,
    identities: [SESSION],
    ...(endpoints ? { endpoints } : {}),
  })
  const ca = join(directory, `${engine}-${rds.port}.pem`)
  writeFileSync(ca, rds.ca)
  const target = ['--host', 'localhost', '--port', String(rds.port), '--user', rds.user, '--engine', engine]
  const args = [...target, '--database', rds.database, '--ca', ca]
  // Each endpoint has its own directory for temporary files, so that leftover files show.
  const temporary = mkdtempSync(join(directory, 'tmp-'))
  return { rds, args, temporary, env: { ...rds.env, TMPDIR: temporary } }
}

const QUERIES: Record<Engine, string[]> = {
  postgres: ['psql', '-X', '-A', '-t', '-q', '-c', 'select 40 + 2'],
  mysql: ['mariadb', '--batch', '--skip-column-names', '--execute=select 40 + 2'],
}

describe.each(['postgres', 'mysql'] as const)('%s', (engine) => {
  let rds: LocalRds
  let args: string[]
  let env: Record<string, string>
  let temporary: string
  beforeAll(async () => {
    ;({ rds, args, env, temporary } = await start(engine))
  })
  afterAll(() => rds.close())

  const exec = (...command: string[]) => rdsIam(['exec', ...args, '--', ...command], env)

  test('exec logs a client in, with a session token of 2.5 KB', async () => {
    const outcome = await exec(...QUERIES[engine])
    expect(outcome).toEqual({ status: 0, signal: null, stdout: '42\n', stderr: '' })
    expect(rds.logins.at(-1)).toMatchObject({ verdict: 'accepted', accessKeyId: SESSION.accessKeyId })
  })

  test('exec shows the token on no command line, and leaves no file', async () => {
    const outcome = await exec(
      'sh',
      '-c',
      'tr "\\0" " " < /proc/$$/cmdline; tr "\\0" " " < /proc/$PPID/cmdline; find "$TMPDIR" -perm /077',
    )
    expect(outcome).toMatchObject({ status: 0, stderr: '' })
    expect(outcome.stdout).not.toContain('X-Amz')
    // Files that other users can read: none of ours.
    expect(outcome.stdout).not.toContain('rds-iam-')
    expect(readdirSync(temporary)).toEqual([])
  })

  test('exec exits with the status of the command', async () => {
    expect(await exec('sh', '-c', 'exit 42')).toMatchObject({ status: 42 })
    expect(await exec('no-such-command')).toMatchObject({
      status: 127,
      stderr: expect.stringContaining('not found'),
    })
    expect(readdirSync(temporary)).toEqual([])
  })

  test('exec ends by the signal that ended the command', async () => {
    expect(await exec('sh', '-c', 'kill -TERM $$')).toMatchObject({ signal: 'SIGTERM' })
    expect(readdirSync(temporary)).toEqual([])
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('exec forwards %s to the command', async (signal) => {
    const script = `process.on('${signal}', () => { console.log('caught'); process.exit(7) })
      setInterval(() => {}, 1e6)
      console.log('ready')`
    const outcome = await rdsIam(['exec', ...args, '--', process.execPath, '-e', script], env, {
      begun(child) {
        void once(child.stdout ?? child, 'data').then(() => child.kill(signal))
      },
    })
    expect(outcome).toMatchObject({ status: 7, stdout: 'ready\ncaught\n' })
    expect(readdirSync(temporary)).toEqual([])
  })

  test('token prints only the token', async () => {
    const { status, stdout, stderr } = await rdsIam(['token', ...args], env)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^localhost:${rds.port}/\\?Action=connect&DBUser=jane_doe&\\S+\\n$`))
  })

  test('token --json prints the token and its expiry', async () => {
    const { stdout } = await rdsIam(['token', ...args, '--json'], env)
    expect(JSON.parse(stdout)).toEqual({
      token: expect.stringContaining('Action=connect'),
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    })
  })

  test('token --url warns that the URL contains a secret', async () => {
    const { status, stdout, stderr } = await rdsIam(['token', ...args, '--url'], env)
    expect(status).toBe(0)
    expect(stderr).toMatch(/^rds-iam: this URL contains a secret, valid until \S+Z \(15 minutes at most\)\n$/)
    const url = new URL(stdout.trim())
    expect(url.username).toBe('jane_doe')
    expect(decodeURIComponent(url.password)).toContain(`localhost:${rds.port}/?Action=connect`)
  })

  test('fails without credentials', async () => {
    const none = { ...env, AWS_ACCESS_KEY_ID: '', AWS_SESSION_TOKEN: '' }
    for (const command of [
      ['token', ...args],
      ['exec', ...args, '--', 'true'],
    ]) {
      const outcome = await rdsIam(command, none)
      expect(outcome).toMatchObject({
        status: 1,
        stdout: '',
        stderr: expect.stringMatching(/^rds-iam: no AWS credentials/),
      })
    }
  })
})

const openers = {
  async postgres(url: string) {
    const client = new pg.Client(url)
    await client.connect()
    await client.end()
  },
  async mysql(url: string) {
    const connection = await createConnection(url)
    await connection.end()
  },
}

describe.each(['postgres', 'mysql'] as const)('the URL of token for %s', (engine) => {
  test('logs its driver in', async () => {
    const { rds, args, env } = await start(engine)
    const { stdout } = await rdsIam(['token', ...args, '--url'], env)
    await openers[engine](stdout.trim())
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
    await rds.close()
  })

  test('sends no token to another name', async () => {
    const { rds, args, env } = await start(engine)
    const { stdout } = await rdsIam(['token', ...args, '--url'], env)
    await rds.configure({ endpoints: ['elsewhere.example'] })
    await expect(openers[engine](stdout.trim())).rejects.toThrow(/does not match certificate|elsewhere/)
    expect(rds.logins).toEqual([])
    await rds.close()
  })
})

describe.each([
  ['postgres', 'pg'],
  ['postgres', 'postgres'],
  ['mysql', 'mysql2'],
] as const)('the DATABASE_URL of exec for %s', (engine, driver) => {
  const query = [process.execPath, QUERY_BY_URL, driver]

  test(`logs ${driver} in`, async () => {
    const { rds, args, env } = await start(engine)
    const outcome = await rdsIam(['exec', ...args, '--', ...query], {
      ...env,
      DATABASE_URL: `${engine}://somebody.example`,
    })
    expect(outcome).toEqual({ status: 0, signal: null, stdout: '42\n', stderr: '' })
    expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
    await rds.close()
  })

  test(`logs ${driver} in with a bundle of 500 KB`, async () => {
    const { rds, args, env } = await start(engine)
    const file = join(directory, 'long.pem')
    writeFileSync(file, rds.ca.repeat(300))
    const outcome = await rdsIam(['exec', ...args, '--ca', file, '--', ...query], env)
    expect(outcome).toEqual({ status: 0, signal: null, stdout: '42\n', stderr: '' })
    await rds.close()
  })

  test(`logs ${driver} in through a tunnel to which the endpoint's name is mapped`, async () => {
    const signed = `${NAME}:${engine === 'postgres' ? 5432 : 3306}`
    const { rds, args, env } = await start(engine, [signed])
    // What a line of /etc/hosts does: the name is 127.0.0.1.
    const names = preload({ TEST_DNS: '127.0.0.1' })
    const login = [...args, '--host', NAME, '--endpoint', signed]
    const outcome = await rdsIam(['exec', ...login, '--', ...query], { ...env, ...names })
    expect(outcome).toEqual({ status: 0, signal: null, stdout: '42\n', stderr: '' })
    await rds.close()
  })

  test(`makes ${driver} send no token to another name or below another CA`, async () => {
    const [{ rds, args, env }, other] = await Promise.all([start(engine), start(engine)])
    // Node's variable that turns off verification must have no effect.
    const trusting = { ...env, NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    const ca = join(directory, 'other.pem')
    writeFileSync(ca, other.rds.ca)
    const untrusted = await rdsIam(['exec', ...args, '--ca', ca, '--', ...query], trusting)
    expect(untrusted).toMatchObject({ status: 3, stdout: expect.stringContaining('certificate') })
    await rds.configure({ endpoints: ['elsewhere.example'] })
    const misnamed = await rdsIam(['exec', ...args, '--', ...query], trusting)
    expect(misnamed).toMatchObject({
      status: 3,
      stdout: expect.stringContaining('certificate'),
    })
    expect(rds.logins).toEqual([])
    await Promise.all([rds.close(), other.rds.close()])
  })
})

test("exec keeps the CA certificates of the user's NODE_EXTRA_CA_CERTS for Node", async () => {
  const { rds, args, env } = await start('postgres')
  const own = join(directory, 'own.pem')
  writeFileSync(own, '# own\n')
  const outcome = await rdsIam(['exec', ...args, '--', 'sh', '-c', 'cat "$NODE_EXTRA_CA_CERTS"'], {
    ...env,
    NODE_EXTRA_CA_CERTS: own,
  })
  expect(outcome.stdout).toContain(rds.ca.trim())
  expect(outcome.stdout).toContain('# own')
  await rds.close()
})

test("exec overrides the user's variables that change the login", async () => {
  const { rds, args, env } = await start('postgres')
  const settings = {
    PGGSSENCMODE: 'require',
    PGREQUIREAUTH: 'scram-sha-256',
    PGCHANNELBINDING: 'require',
    PGHOSTADDR: '192.0.2.1',
    PGSSLMODE: 'disable',
  }
  const outcome = await rdsIam(['exec', ...args, '--', ...QUERIES.postgres], { ...env, ...settings })
  expect(outcome).toEqual({ status: 0, signal: null, stdout: '42\n', stderr: '' })
  await rds.close()
})

test('exec hides the login paths of the mysql clients', async () => {
  const { rds, args, env } = await start('mysql')
  const own = join(directory, 'mylogin.cnf')
  writeFileSync(own, '')
  const script = 'echo "$MYSQL_TEST_LOGIN_FILE"; test ! -e "$MYSQL_TEST_LOGIN_FILE"'
  const outcome = await rdsIam(['exec', ...args, '--', 'sh', '-c', script], {
    ...env,
    MYSQL_TEST_LOGIN_FILE: own,
  })
  expect(outcome).toMatchObject({ status: 0, stderr: '' })
  expect(outcome.stdout).toMatch(/^\/.+\n$/)
  expect(outcome.stdout).not.toContain(own)
  await rds.close()
})

test('with the URL of token, psql verifies the endpoint behind a tunnel and tries each address', async () => {
  const { rds, args, env } = await start('postgres', [NAME])
  const login = [...args, '--endpoint', `${NAME}:${rds.port}`]
  // Nothing listens at the first address.
  const names = preload({ TEST_LOCALHOST: '127.0.0.2 127.0.0.1' })
  const { stdout: url } = await rdsIam(['token', ...login, '--url'], { ...env, ...names })
  const query = async () => promisify(execFile)('psql', ['-XAtqc', 'select 40 + 2', url.trim()])
  expect(await query()).toEqual({ stdout: '42\n', stderr: '' })
  await rds.configure({ endpoints: ['elsewhere.example'] })
  await expect(query()).rejects.toThrow('server certificate for')
  await rds.close()
})

test("exec keeps the settings in the user's .my.cnf, except for the login", async () => {
  const { rds, args, env } = await start('mysql')
  const home = mkdtempSync(join(directory, 'home-'))
  const own = [
    '[client]',
    'host=nowhere.example',
    'password=wrong',
    '[mysql]',
    'skip-column-names',
    'batch',
    '',
  ]
  writeFileSync(join(home, '.my.cnf'), own.join('\n'), { mode: 0o600 })
  const query = ['-e', 'select 40 + 2']
  const outcome = await rdsIam(['exec', ...args, '--', 'mariadb', ...query], { ...env, HOME: home })
  expect(outcome).toEqual({ status: 0, signal: null, stdout: '42\n', stderr: '' })
  const warned = await rdsIam(['exec', ...args, '--', 'true'], { ...env, HOME: home })
  expect(warned).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('.my.cnf replace those of this login'),
  })
  await rds.close()
})

test('token --url refuses a tunnel for MySQL', async () => {
  const login = ['--host', 'localhost', '--user', 'x', '--engine', 'mysql', '--endpoint', NAME]
  const outcome = await rdsIam(['token', ...login, '--url'])
  expect(outcome).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringContaining('--endpoint: MySQL clients verify'),
  })
})
