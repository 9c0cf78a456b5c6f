// doctor reads what the application reads: a connection URL or the environment.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { rdsIam } from './command'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'application-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const NO_STS = { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' }

describe.each(['postgres', 'mysql'] as const)('%s', (engine) => {
  let rds: TestEndpoint
  let ca: string
  beforeAll(async () => {
    rds = await startEndpoint({ engine })
    ca = join(directory, `${engine}.pem`)
    writeFileSync(ca, rds.ca)
  })
  afterAll(() => rds.close())

  const name = engine === 'postgres' ? 'PostgreSQL' : 'MySQL'
  const urlOf = (parameters: Record<string, string> = {}) => {
    const { user, database, port } = rds
    return `${engine}://${user}@localhost:${port}/${database}?${new URLSearchParams(parameters)}`
  }
  const doctor = async (args: string[], env: Record<string, string> = {}) => {
    const { stdout, status } = await rdsIam(['doctor', '--json', ...args], { ...rds.env, ...NO_STS, ...env })
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: { seen: string }[] }
    return { status, ok, seen: findings[0]?.seen }
  }
  const seen = () => `${rds.user} at localhost:${rds.port}, ${name}, database ${rds.database}`

  test('--from-url logs in with the URL and its parameters', async () => {
    const parameters: Record<string, string> =
      engine === 'postgres'
        ? { sslmode: 'verify-full', sslrootcert: ca }
        : { ssl: JSON.stringify({ ca: rds.ca }), connectionLimit: '5' }
    expect(await doctor(['--from-url', urlOf(parameters)])).toEqual({ status: 0, ok: true, seen: seen() })
  })

  test('--from-url accepts --ca and --endpoint too', async () => {
    await rds.configure({ endpoints: ['localhost', 'db.abcdefghijkl.us-east-1.rds.amazonaws.com:1'] })
    const endpoint = 'db.abcdefghijkl.us-east-1.rds.amazonaws.com:1'
    const { status } = await doctor(['--from-url', urlOf(), '--ca', ca, '--endpoint', endpoint])
    expect(status).toBe(0)
  })

  const variables = (names: [host: string, port: string, user: string, database: string]) => () => {
    const values = ['localhost', String(rds.port), rds.user, rds.database]
    return Object.fromEntries(names.map((variable, index) => [variable, values[index] ?? '']))
  }
  test.each([
    ['DATABASE_URL', () => ({ DATABASE_URL: urlOf(), DB_HOST: 'elsewhere.example' })],
    engine === 'postgres'
      ? ['PGHOST, PGPORT, PGUSER, PGDATABASE', variables(['PGHOST', 'PGPORT', 'PGUSER', 'PGDATABASE'])]
      : [
          'MYSQL_HOST, MYSQL_PORT, MYSQL_USER, MYSQL_DATABASE',
          variables(['MYSQL_HOST', 'MYSQL_PORT', 'MYSQL_USER', 'MYSQL_DATABASE']),
        ],
    ['DB_HOST, DB_PORT, DB_USER, DB_NAME', variables(['DB_HOST', 'DB_PORT', 'DB_USER', 'DB_NAME'])],
    [
      'DB_HOST, DB_PORT, DB_USERNAME, DB_DATABASE',
      variables(['DB_HOST', 'DB_PORT', 'DB_USERNAME', 'DB_DATABASE']),
    ],
  ])('--from-env logs in with %s', async (names, env) => {
    const args = ['--from-env', '--ca', ca, ...(names.startsWith('DB_') ? ['--engine', engine] : [])]
    const password = { PGPASSWORD: 'old', MYSQL_PASSWORD: 'old', DB_PASSWORD: 'old' }
    const expected = { status: 0, ok: true, seen: `${seen()}, from ${names}` }
    expect(await doctor(args, { ...env(), ...password })).toEqual(expected)
  })
})

test.each([
  ['PGHOST', 'PostgreSQL'],
  ['MYSQL_HOST', 'MySQL'],
])('--from-env reads the variables of the engine: %s', async (host, name) => {
  const env = { PGHOST: '127.0.0.1', PGUSER: 'p', MYSQL_HOST: '127.0.0.1', MYSQL_USER: 'm', ...NO_STS }
  const args = [
    '--from-env',
    '--engine',
    name === 'MySQL' ? 'mysql' : 'postgres',
    '--endpoint',
    'localhost:1',
  ]
  const { stdout } = await rdsIam(['doctor', ...args], env)
  expect(stdout).toContain(`${name}`)
  expect(stdout).toContain(`from ${host}`)
})

const PASSWORD = 'hunter2hunter2'
test.each([
  [['--from-env'], {}, '--from-env: none of DATABASE_URL, PGHOST, MYSQL_HOST and DB_HOST is set'],
  [['--from-env'], { PGHOST: 'localhost', PGUSER: 'x', PGPORT: 'http' }, 'PGPORT: give a whole number'],
  [['--from-env'], { PGHOST: 'localhost' }, 'PGUSER: give the database user'],
  [['--from-env'], { MYSQL_HOST: 'localhost' }, 'MYSQL_USER: give the database user'],
  [
    ['--from-env'],
    { DB_HOST: 'https://db.example', DB_USER: 'x' },
    'DB_HOST: a URL: give only the host name',
  ],
  [
    ['--from-env'],
    { DATABASE_URL: 'sqlite:app.db' },
    'DATABASE_URL: give a URL such as postgres://user@host/database',
  ],
  [
    ['--from-env'],
    { DATABASE_URL: `postgres://x:${PASSWORD}@localhost/app` },
    'DATABASE_URL: password: an IAM login has no password: leave it out',
  ],
  [
    ['--from-url', `mysql://x:${PASSWORD}@localhost/app`],
    {},
    '--from-url: password: an IAM login has no password: leave it out',
  ],
  [['--from-url', 'mysql://x@%zz/app'], {}, '--from-url: contains an invalid percent-encoding'],
  [
    ['--from-url', 'postgres://x@localhost/app?sslmode=disable'],
    {},
    '--from-url: connectionString: sslmode: a token is only sent',
  ],
  [
    ['--from-url', 'postgres://x@localhost/app', '--region', 'Europe'],
    {},
    "--region: give an AWS region's name",
  ],
  [
    ['--from-url', 'postgres://x@localhost', '--from-env'],
    {},
    "option '--from-url <url>' cannot be used with option '--from-env'",
  ],
  [
    ['--from-env', '--host', 'localhost'],
    {},
    "option '--from-env' cannot be used with option '--host <host>'",
  ],
])('wrong usage ends with status 2: %j %j', async (args, env, message) => {
  const outcome = await rdsIam(['doctor', ...args], env)
  expect(outcome).toMatchObject({ status: 2, stdout: '' })
  expect(outcome.stderr).toContain(`rds-iam: ${message}`)
  expect(outcome.stderr).not.toContain(PASSWORD)
})
