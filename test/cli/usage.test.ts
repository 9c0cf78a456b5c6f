import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { rdsIam } from './command'

const LOGIN = ['host', 'port', 'user', 'database', 'engine', 'region', 'profile', 'endpoint', 'ca']
const COMMANDS = [
  {
    name: 'doctor',
    summary: 'Find out why a login fails',
    options: [...LOGIN, 'from-url', 'from-env', 'json', 'verbose', 'watch'],
  },
  { name: 'token', summary: 'Print a token to log in with', options: [...LOGIN, 'url', 'json'] },
  {
    name: 'exec',
    summary: 'Run psql, mysql or any other command with the login in its environment',
    options: LOGIN,
  },
  {
    name: 'certificates',
    summary: "Download AWS's current CA certificates for RDS",
    options: ['region', 'out', 'from', 'json'],
  },
]

test('--help lists the commands', async () => {
  const { status, stdout, stderr } = await rdsIam(['--help'])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  for (const { name, summary } of COMMANDS)
    expect(stdout.replaceAll(/\n {8,}/g, ' ')).toContain(`  ${name.padEnd(12)}  ${summary}\n`)
})

test.each(COMMANDS)('$name --help lists the options', async ({ name, options }) => {
  const help = await rdsIam([name, '--help'])
  expect(help).toMatchObject({ status: 0, stderr: '' })
  expect(help.stdout).toContain(`Usage: rds-iam ${name} `)
  for (const option of options) expect(help.stdout).toMatch(new RegExp(`^  --${option}\\b`, 'm'))
  expect(await rdsIam(['help', name])).toEqual(help)
})

test('prints the help to standard error without a command', async () => {
  const { status, stdout, stderr } = await rdsIam([])
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr).toContain('Usage: rds-iam ')
})

test('--version prints the version', async () => {
  expect(await rdsIam(['--version'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  })
})

const login = ['--host', 'localhost', '--user', 'jane_doe']
test.each([
  [['docter'], "unknown command 'docter'\n(Did you mean doctor?)"],
  [['\u001b[2J\u009b'], String.raw`unknown command '\u{1b}[2J\u{9b}'`],
  [['doctor'], '--host: give the host to dial'],
  [['doctor', '--host', 'localhost'], '--user: give the database user'],
  [['doctor', ...login, '--hots', 'x'], "unknown option '--hots'\n(Did you mean --host?)"],
  [['doctor', ...login, '--port'], "option '--port <number>' argument missing"],
  [['doctor', '--host', '--user', 'x'], "option '--host <host>' argument '--user' is invalid. Give a value."],
  [['doctor', ...login, '--watch'], "--watch: give a cluster's writer endpoint as --host, and no --endpoint"],
  [['doctor', ...login, '--watch', '--json'], "option '--watch' cannot be used with option '--json'"],
  [['doctor', '--host', ''], "option '--host <host>' argument '' is invalid. Give a value."],
  [['doctor', '--host', 'localhost:5432', '--user', 'x'], '--host: give the port as --port'],
  [['doctor', ...login, '--port', '0'], '--port: give a whole number'],
  [
    ['doctor', ...login, '--engine', 'oracle'],
    "option '--engine <engine>' argument 'oracle' is invalid. Allowed choices are postgres, mysql.",
  ],
  [['doctor', ...login, '--region', 'Europe'], "--region: give an AWS region's name"],
  [
    ['doctor', ...login, '--endpoint', 'db:port'],
    '--endpoint: give a whole number from 1 to 65535 after the colon',
  ],
  [['doctor', ...login, '--ca', '/nowhere.pem'], '--ca: ENOENT'],
  [['doctor', ...login, '--ca', '/dev/null'], '--ca: there is no certificate'],
  [['doctor', ...login, 'now'], "too many arguments for 'doctor'"],
  [['doctor', '--host', 'postgres://x', '--user', 'x'], '--host: a URL'],
  [
    ['token', '--host', 'db.shop.example', '--user', 'x'],
    '--host: db.shop.example is not the name of an RDS endpoint',
  ],
  [['token', ...login, '--url', '--json'], "option '--url' cannot be used with option '--json'"],
  [['exec', ...login], 'give a command after --'],
  [['certificates', '--region', 'x'], '--region: '],
  [['certificates', '--from', 'http://example.com/'], '--from: give an https URL'],
])('wrong usage ends with status 2: %j', async (args, message) => {
  const outcome = await rdsIam(args)
  expect(outcome).toMatchObject({ status: 2, stdout: '' })
  expect(outcome.stderr).toContain(`rds-iam: ${message}`)
  expect(outcome.stderr).toMatch(/\nSee: rds-iam ([a-z]+ )?--help\n$/)
})

test('fails when standard output cannot be written', async () => {
  const outcome = await rdsIam(['--help'], {}, { limit: 'exec >/dev/full' })
  expect(outcome).toMatchObject({
    status: 1,
    stderr: 'rds-iam: standard output cannot be written: ENOSPC\n',
  })
})

test('--help loads no package but the parser of the command line', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'loaded-'))
  const list = join(directory, 'list.cjs')
  writeFileSync(
    list,
    `process.on('exit', () => process.stderr.write(Object.keys(require.cache).join('\\n')))`,
  )
  const { stderr } = await rdsIam(['doctor', '--help'], { NODE_OPTIONS: `--require=${list}` })
  rmSync(directory, { recursive: true })
  const loaded = stderr.split('\n').filter((file) => file !== list && !file.includes('/commander/'))
  expect(loaded.length).toBeLessThan(8)
  expect(loaded.every((file) => file.includes('/packages/cli/'))).toBe(true)
})

test.each([
  ['postgres', '5432'],
  ['mysql', '3306'],
])('signs for the port of %s when --endpoint has no port', async (engine, port) => {
  const endpoint = 'db.abcdefghijkl.us-east-1.rds.amazonaws.com'
  const options = [...login, '--port', '6543', '--engine', engine, '--endpoint', endpoint]
  const env = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' }
  const { stdout } = await rdsIam(['token', ...options], env)
  expect(stdout).toMatch(new RegExp(`^${endpoint}:${port}/\\?`))
})
