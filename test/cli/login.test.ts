import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalRds, type Engine, type LocalRds } from '@rds-iam/local'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { requirePrograms } from '../local/clients/programs'
import { rdsIam } from './command'

const SESSION = {
  accessKeyId: 'ASIATEST',
  secretAccessKey: 'a-secret-access-key',
  // 2.5 KB, with all that must be percent-encoded.
  sessionToken: 'FwoGZXIvYXdzE/+='.repeat(160),
}
const NAME = 'shop.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'

let directory: string
beforeAll(async () => {
  await requirePrograms({ psql: 'postgresql-client', mariadb: 'mariadb-client-core' })
  directory = mkdtempSync(join(tmpdir(), 'login-'))
}, 600_000)
afterAll(() => rmSync(directory, { recursive: true }))

/** An endpoint, and how to call the command for it. */
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
  // The temporary files of a command are in a directory of their own, so that what it leaves is seen.
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
    // What a stranger could look into: nothing but the directory that was there before.
    expect(outcome.stdout).not.toContain('rds-iam-')
    expect(readdirSync(temporary)).toEqual([])
  })

  test('exec passes on the exit status', async () => {
    expect(await exec('sh', '-c', 'exit 42')).toMatchObject({ status: 42 })
    expect(await exec('no-such-command')).toMatchObject({
      status: 127,
      stderr: expect.stringContaining('not found'),
    })
    expect(readdirSync(temporary)).toEqual([])
  })

  test('exec ends by the signal that ends its command', async () => {
    expect(await exec('sh', '-c', 'kill -TERM $$')).toMatchObject({ signal: 'SIGTERM' })
    expect(readdirSync(temporary)).toEqual([])
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('exec passes %s on', async (signal) => {
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

  test('token prints the token alone', async () => {
    const { status, stdout, stderr } = await rdsIam(['token', ...args], env)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^localhost:${rds.port}/\\?Action=connect&DBUser=jane_doe&\\S+\\n$`))
  })

  test('token --json', async () => {
    const { stdout } = await rdsIam(['token', ...args, '--json'], env)
    expect(JSON.parse(stdout)).toEqual({
      token: expect.stringContaining('Action=connect'),
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    })
  })

  test('token --url warns', async () => {
    const { status, stdout, stderr } = await rdsIam(['token', ...args, '--url'], env)
    expect(status).toBe(0)
    expect(stderr).toMatch(/^rds-iam: this URL holds a secret, good until \S+Z \(15 minutes at most\)\n$/)
    const url = new URL(stdout.trim())
    expect(url.username).toBe('jane_doe')
    expect(decodeURIComponent(url.password)).toContain(`localhost:${rds.port}/?Action=connect`)
  })

  test('fails without credentials, and says so', async () => {
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

describe.each(['postgres', 'mysql'] as const)('the URL for %s', (engine) => {
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

test('exec warns where a bundle is too long for a URL, and goes on', async () => {
  const { rds, args, env } = await start('mysql')
  const file = join(directory, 'long.pem')
  writeFileSync(file, rds.ca.repeat(300))
  const outcome = await rdsIam(['exec', ...args, '--ca', file, '--', ...QUERIES.mysql], env)
  expect(outcome).toMatchObject({
    status: 0,
    stdout: '42\n',
    stderr: expect.stringMatching(/^rds-iam: no DATABASE_URL, /),
  })
  await rds.close()
})

test('through a tunnel psql verifies the name of the endpoint', async () => {
  const { rds, args, env } = await start('postgres', [NAME])
  const endpoint = `${NAME}:${rds.port}`
  const outcome = await rdsIam(['exec', ...args, '--endpoint', endpoint, '--', ...QUERIES.postgres], env)
  expect(outcome).toEqual({ status: 0, signal: null, stdout: '42\n', stderr: '' })
  const url = await rdsIam(
    [
      'exec',
      ...args,
      '--endpoint',
      endpoint,
      '--',
      'sh',
      '-c',
      'psql -X -A -t -q -c "select 40 + 2" "$DATABASE_URL"',
    ],
    env,
  )
  expect(url).toEqual({ status: 0, signal: null, stdout: '42\n', stderr: '' })
  await rds.close()
})

test("what a mysql client's user has set is kept, but for the login", async () => {
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
  expect(warned).toMatchObject({ status: 0, stderr: expect.stringContaining('.my.cnf says of host') })
  await rds.close()
})

test('the mysql clients cannot, and are not let', async () => {
  const args = ['--host', 'localhost', '--user', 'x', '--engine', 'mysql', '--endpoint', NAME]
  const mark = join(directory, 'not-to-be-made')
  const outcome = await rdsIam(['exec', ...args, '--', 'touch', mark])
  expect(outcome).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('--endpoint: the mysql clients verify'),
  })
  expect(existsSync(mark)).toBe(false)
})
