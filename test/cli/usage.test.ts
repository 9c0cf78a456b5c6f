import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commands } from 'rds-iam/dist/commands.js'
import { expect, test } from 'vitest'
import { rdsIam } from './command'

test('--help lists the commands, and each has its own', async () => {
  const { status, stdout } = await rdsIam(['--help'])
  expect(status).toBe(0)
  for (const { name, summary, options } of commands) {
    expect(stdout).toContain(`  ${name.padEnd(12)}  ${summary}\n`)
    const help = await rdsIam([name, '--help'])
    expect(help).toMatchObject({ status: 0, stderr: '' })
    for (const option of Object.keys(options)) expect(help.stdout).toContain(`  --${option}`)
  }
})

test('--version', async () => {
  expect(await rdsIam(['--version'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  })
})

const login = ['--host', 'localhost', '--user', 'jane_doe']
test.each([
  [[], 'give a command'],
  [['docter'], 'there is no command docter'],
  [['doctor\u001b[2J\u009b'], String.raw`there is no command doctor\u{1b}[2J\u{9b}`],
  [['doctor'], '--host: give what to dial'],
  [['doctor', '--host', 'localhost'], '--user: give the database user'],
  [['doctor', ...login, '--hots', 'x'], "Unknown option '--hots'\n"],
  [['doctor', ...login, '--port'], '--port: give a value'],
  [['doctor', '--host', '--user', 'x'], '--host: give a value'],
  [['doctor', '--host', 'localhost:5432', '--user', 'x'], '--host: give the port as --port'],
  [['doctor', ...login, '--port', '0'], '--port: give a whole number'],
  [['doctor', ...login, '--engine', 'oracle'], '--engine: give postgres or mysql'],
  [['doctor', ...login, '--region', 'Europe'], "--region: give an AWS region's name"],
  [
    ['doctor', ...login, '--endpoint', 'db:port'],
    '--endpoint: give a whole number from 1 to 65535 after the colon',
  ],
  [['doctor', ...login, '--ca', '/nowhere.pem'], '--ca: ENOENT'],
  [['doctor', ...login, '--ca', '/dev/null'], '--ca: there is no certificate'],
  [['doctor', ...login, 'now'], 'now: options begin with --'],
  [['doctor', '--host', 'postgres://x', '--user', 'x'], '--host: a URL'],
  [
    ['token', '--host', 'db.shop.example', '--user', 'x'],
    '--host: db.shop.example is not the name of an RDS endpoint',
  ],
  [['token', ...login, '--url', '--json'], '--url: not together with --json'],
  [['exec', ...login], 'give a command after --'],
  [['certificates', '--region', 'x'], '--region: '],
  [['certificates', '--from', 'http://example.com/'], '--from: give an https URL'],
  [['completion', 'toString'], 'give bash, zsh or fish'],
])('wrong usage ends with status 2: %j', async (args, message) => {
  const outcome = await rdsIam(args)
  expect(outcome).toMatchObject({ status: 2, stdout: '' })
  expect(outcome.stderr).toContain(`rds-iam: ${message}`)
  expect(outcome.stderr).toMatch(/\nSee: rds-iam ([a-z]+ )?--help\n$/)
})

test('says that standard output cannot be written', async () => {
  const outcome = await rdsIam(['--help'], {}, { limit: 'exec >/dev/full' })
  expect(outcome).toMatchObject({
    status: 1,
    stderr: 'rds-iam: standard output cannot be written: ENOSPC\n',
  })
})

test('--help loads neither the AWS SDK nor a driver nor core', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'loaded-'))
  const list = join(directory, 'list.cjs')
  writeFileSync(
    list,
    `process.on('exit', () => process.stderr.write(Object.keys(require.cache).join('\\n')))`,
  )
  const { stderr } = await rdsIam(['doctor', '--help'], { NODE_OPTIONS: `--require=${list}` })
  rmSync(directory, { recursive: true })
  const loaded = stderr.split('\n').filter((file) => file !== list)
  expect(loaded.length).toBeLessThan(8)
  expect(loaded.every((file) => file.includes('/packages/cli/'))).toBe(true)
})
