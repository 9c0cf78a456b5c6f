import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { failure } from '../failure'
import { signFor, whoInMysql, whoInPostgres } from './client'
import {
  createScratch,
  processesGone,
  program,
  readiness,
  runCommand,
  version,
  type Ending,
  type RunningCommand,
} from './command'

let scratch: ReturnType<typeof createScratch>
let commands: RunningCommand[]

beforeEach(() => {
  scratch = createScratch()
  commands = []
})

afterEach(async () => {
  for (const { child } of commands) child.kill('SIGKILL')
  await Promise.all(commands.map(({ ended }) => ended))
  scratch.remove()
})

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningCommand {
  const command = runCommand(scratch.path, args, env)
  commands.push(command)
  return command
}

/** The command in front of the server that the whole run shares. */
const runBehind = (...args: string[]) => run(['--backend', inject('postgresUrl'), ...args])

async function stop({ child, ended }: RunningCommand, signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
  child.kill(signal)
  return ended
}

function nothingIsLeft(): void {
  expect(readdirSync(scratch.path)).toEqual([])
  processesGone(scratch.path)
}

/** A text with each key of the table replaced by its value. */
function replaced(text: string, table: Readonly<Record<string, string>>): string {
  return Object.entries(table).reduce((result, [from, to]) => result.replaceAll(from, to), text)
}

const STOPPED = { status: 0, signal: null, stderr: '' }

describe('the command with a database of its own', () => {
  test('prints what a client needs as JSON, then each login, and leaves nothing behind', async () => {
    const command = run(['--json'])
    const ready = await readiness(command)
    expect(ready).toEqual({
      engine: 'postgres',
      host: 'localhost',
      port: expect.any(Number),
      caFile: expect.stringContaining(scratch.path),
      user: 'jane_doe',
      database: 'app',
      region: 'us-east-1',
      env: {
        AWS_ACCESS_KEY_ID: expect.stringMatching(/^AKIA/),
        AWS_SECRET_ACCESS_KEY: expect.any(String),
        AWS_REGION: 'us-east-1',
      },
      control: { url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/), token: expect.any(String) },
    })
    expect(statSync(dirname(ready.caFile)).mode & 0o777).toBe(0o700)
    expect(await whoInPostgres(ready)).toBe('jane_doe')
    const login = {
      time: expect.stringMatching(/Z$/),
      user: 'jane_doe',
      accessKeyId: ready.env.AWS_ACCESS_KEY_ID,
    }
    expect(JSON.parse((await command.line()) ?? '')).toEqual({ ...login, verdict: 'accepted' })
    expect(await failure(whoInPostgres(ready, { user: 'john' }))).toMatchObject({ code: '28000' })
    expect(JSON.parse((await command.line()) ?? '')).toEqual({
      ...login,
      user: 'john',
      verdict: 'refused',
      reason: 'USER_UNKNOWN',
      detail: 'there is no database user john',
    })
    expect(await stop(command)).toMatchObject(STOPPED)
    nothingIsLeft()
  })

  test('serves the machine’s MySQL', async () => {
    const command = run(['--engine', 'mysql', '--json', '--user', 'jane_doe,john'])
    const ready = await readiness(command)
    expect(ready).toMatchObject({ engine: 'mysql', user: 'jane_doe', database: 'app' })
    expect(await whoInMysql(ready)).toBe('jane_doe@%')
    expect(await whoInMysql(ready, 'john')).toBe('john@%')
    expect(await stop(command, 'SIGINT')).toMatchObject(STOPPED)
    nothingIsLeft()
  })

  test('serves Aurora DSQL, and shows how to log in', async () => {
    const command = run(['--engine', 'dsql', '--user', 'admin', '--conflicts', '1', '--no-control'])
    let line: string | undefined
    do line = await command.line()
    while (line !== undefined && !line.includes('psql'))
    expect(line).toMatch(
      /"\$\(aws dsql generate-db-connect-admin-auth-token --hostname localhost --region us-east-1\)" psql '.* user=admin dbname=postgres /,
    )
    expect(await stop(command)).toMatchObject(STOPPED)
    nothingIsLeft()
  })

  test.each(['postgres', 'mysql'])('stops when a signal arrives while its %s is starting', async (engine) => {
    const watcher = watch(scratch.path)
    const command = run(['--engine', engine])
    await once(watcher, 'change')
    const [directory = ''] = readdirSync(scratch.path)
    const inside = watch(join(scratch.path, directory))
    await once(inside, 'change')
    inside.close()
    watcher.close()
    expect(await stop(command)).toEqual({ ...STOPPED, stdout: '' })
    nothingIsLeft()
  })
})

describe('what ends the command', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s, more than once', async (signal) => {
    const command = runBehind('--json')
    const ready = await readiness(command)
    const session = connect(ready.port, '127.0.0.1')
    session.on('error', () => {})
    await once(session, 'connect')
    const closed = once(session, 'close')
    command.child.kill(signal)
    command.child.kill(signal)
    expect(await command.ended).toMatchObject(STOPPED)
    await closed
    nothingIsLeft()
  })

  test('the end of its input when that is a pipe', async () => {
    const command = runBehind('--json')
    await readiness(command)
    command.child.stdin?.end()
    expect(await command.ended).toMatchObject(STOPPED)
    nothingIsLeft()
  })

  test('the end of npx’s shell, which does not pass signals on', async () => {
    const script = '"$0" "$@" & wait'
    const args = ['-c', script, process.execPath, program, '--json', '--backend', inject('postgresUrl')]
    const env = { ...process.env, TMPDIR: scratch.path, npm_lifecycle_event: 'npx' }
    const shell = spawn('/bin/sh', args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    await once(createInterface({ input: shell.stdout }), 'line')
    shell.kill('SIGTERM')
    await once(shell, 'close') // nobody holds the output any more
    nothingIsLeft()
  })

  test('an output pipe that is closed', async () => {
    const command = runBehind('--json')
    const ready = await readiness(command)
    command.child.stdout?.destroy()
    await failure(whoInPostgres(ready, { password: 'x' }))
    expect(await command.ended).toMatchObject(STOPPED)
    nothingIsLeft()
  })

  test('not an input that ended before the start', async () => {
    const command = runBehind('--json')
    command.child.stdin?.end()
    const ready = await readiness(command)
    expect(await failure(whoInPostgres(ready, { password: 'x' }))).toMatchObject({ code: '28000' })
    expect(await stop(command)).toMatchObject(STOPPED)
  })
})

describe('the output for people', () => {
  test('prints what a client needs, then each login, and never a token', async () => {
    const command = runBehind('--identity', 'AKIATEST:the/secret', '--user', "o'neil", '--no-control')
    let block = ''
    while (!block.includes('psql')) block += `${await command.line()}\n`
    expect(await command.line()).toBe('')
    const port = /port {7}(\d+)/.exec(block)?.[1]
    const caFile = /CA file {4}(\S+)/.exec(block)?.[1] ?? ''
    const database = /database {3}(\S*)/.exec(block)?.[1] ?? ''
    const varying = { [port ?? '']: 'PORT', [caFile]: 'FILE', [`dbname=${database}`]: 'dbname=app' }
    expect(replaced(block.replace(`database   ${database}`, 'database   app'), varying))
      .toMatchInlineSnapshot(`
      "A PostgreSQL endpoint that verifies IAM tokens is ready; Ctrl-C stops it.

        host       localhost
        port       PORT
        CA file    FILE
        user       o'neil
        database   app
        region     us-east-1
        endpoints  localhost, 127.0.0.1

        export AWS_ACCESS_KEY_ID=AKIATEST
        export AWS_SECRET_ACCESS_KEY=the/secret
        export AWS_REGION=us-east-1
        export NODE_EXTRA_CA_CERTS=FILE

      With these variables, for example:

        PGPASSWORD="$(aws rds generate-db-auth-token --hostname localhost --port PORT --username 'o'\\''neil' --region us-east-1)" psql 'host=localhost port=PORT user='\\''o\\'\\''neil'\\'' dbname=app sslmode=verify-full sslrootcert=FILE'
      "
    `)
    const ready = {
      engine: 'postgres',
      host: 'localhost',
      port: Number(port),
      caFile,
      user: "o'neil",
      database,
      region: 'us-east-1',
      env: { AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'the/secret' },
    }
    const token = await signFor(ready)
    await whoInPostgres(ready, { password: token })
    expect(await command.line()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z o'neil AKIATEST accepted$/)
    await failure(whoInPostgres(ready, { user: 'line\nfeed\u001b[31m', password: token }))
    expect(await command.line()).toMatch(
      /Z line\\u\{a\}feed\\u\{1b\}\[31m AKIATEST refused USER_UNKNOWN \(there is no database user line\\u\{a\}feed\\u\{1b\}\[31m\)$/,
    )
    const { stdout, ...ending } = await stop(command)
    expect(ending).toEqual(STOPPED)
    expect(stdout).not.toContain('X-Amz')
  })

  test('prints the address to connect to when the name resolves elsewhere', async () => {
    const command = runBehind('--endpoint', 'db.example.com', '--region', 'eu-west-1', '--quiet')
    let block = ''
    while (!block.includes('psql')) block += `${await command.line()}\n`
    expect(block).toContain('host=db.example.com hostaddr=127.0.0.1 ')
    expect(block).toContain('--hostname db.example.com ')
    expect(block).toContain('--region eu-west-1)')
  })

  test('has no logins with --quiet', async () => {
    const command = runBehind('--json', '--quiet')
    const ready = await readiness(command)
    await whoInPostgres(ready)
    const { stdout } = await stop(command)
    expect(stdout.split('\n')).toEqual([JSON.stringify(ready), ''])
  })
})

describe('where it listens', () => {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)

  const reaches = async (address: string, port: number): Promise<boolean> => {
    const socket = connect(port, address)
    socket.on('error', () => {})
    const opened = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    return opened
  }

  test('is loopback by default', async () => {
    const { port, control } = await readiness(runBehind('--json'))
    expect(await reaches('127.0.0.1', port)).toBe(true)
    for (const address of addresses) {
      expect(await reaches(address, port)).toBe(false)
      expect(await reaches(address, Number(new URL(control?.url ?? '').port))).toBe(false)
    }
  })

  test('is every address with --host 0.0.0.0, but not for the control endpoint', async () => {
    const { host, port, control } = await readiness(runBehind('--json', '--host', '0.0.0.0'))
    expect(host).toBe('localhost')
    for (const address of ['127.0.0.1', ...addresses]) expect(await reaches(address, port)).toBe(true)
    for (const address of addresses)
      expect(await reaches(address, Number(new URL(control?.url ?? '').port))).toBe(false)
  })

  test('is one address with --host', async () => {
    const ready = await readiness(runBehind('--json', '--host', '127.0.0.1'))
    expect(ready.host).toBe('127.0.0.1')
    expect(await reaches('::1', ready.port)).toBe(false)
    expect(await whoInPostgres(ready, { ssl: { ca: readFileSync(ready.caFile) } })).not.toBe('')
  })
})

describe('flags', () => {
  test('set the user, the identity and the clock', async () => {
    const identity = 'ASIATEST:secret:session'
    const command = runBehind('--json', '--clock-offset', '16m', '--identity', identity)
    const ready = await readiness(command)
    expect(ready.env).toMatchObject({ AWS_ACCESS_KEY_ID: 'ASIATEST', AWS_SESSION_TOKEN: 'session' })
    expect(await failure(whoInPostgres(ready))).toMatchObject({ code: '28000' })
    expect(JSON.parse((await command.line()) ?? '')).toMatchObject({ reason: 'TOKEN_EXPIRED' })
  })

  test('set the limit of logins a second', async () => {
    const command = runBehind('--json', '--max-connections-per-second', '0')
    expect(await failure(whoInPostgres(await readiness(command)))).toMatchObject({ code: '28000' })
    expect(JSON.parse((await command.line()) ?? '')).toMatchObject({ reason: 'THROTTLED' })
  })

  test('set the user that a session runs as', async () => {
    const { username, password } = new URL(inject('postgresUrl'))
    const wrong = new URL(inject('postgresUrl'))
    wrong.password = 'wrong'
    const login = `jane_doe=${username}:${decodeURIComponent(password)}`
    const command = run([
      '--backend',
      wrong.href,
      '--json',
      '--user',
      'john,jane_doe',
      '--backend-user',
      login,
    ])
    const ready = await readiness(command)
    expect(await whoInPostgres(ready, { user: 'jane_doe' })).toBe(username)
    expect(await failure(whoInPostgres(ready, { user: 'john' }))).toMatchObject({ code: '28P01' })
  })

  test('set the file of the certificate', async () => {
    const file = join(scratch.path, 'ca.pem')
    const command = runBehind('--json', '--ca-file', file)
    expect((await readiness(command)).caFile).toBe(file)
    expect(readFileSync(file, 'utf8')).toContain('BEGIN CERTIFICATE')
    await stop(command)
    nothingIsLeft()
  })

  test('set a file that exists only while the endpoint is ready', async () => {
    const file = join(scratch.path, 'ca.pem')
    writeFileSync(file, 'of a command that was killed')
    expect(await runBehind('--ca-file', file, '--host', '192.0.2.1').ended).toMatchObject({ status: 1 })
    nothingIsLeft()
  })

  test('print help and version', async () => {
    const help = await run(['--help']).ended
    expect(help).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('--engine ENGINE') })
    expect(await run(['--version']).ended).toMatchObject({ status: 0, stdout: `${version}\n` })
  })

  test.each([
    [['--prot', '1'], "Unknown option '--prot'"],
    [['postgres'], "Unexpected argument 'postgres'"],
    [['--port'], "Option '--port <value>' argument missing"],
    [['--port', 'x'], "--port must be a whole number, not 'x'"],
    [['--port', '65536'], '--port must be from 0 to 65535'],
    [['--engine', 'oracle'], "--engine must be postgres, mysql or dsql, not 'oracle'"],
    [['--backend', 'mysql://u:secret@h'], "backend must begin with postgresql:// for engine 'postgres'"],
    [['--backend', 'postgresql://u:secret@h?ssl-ca=/none'], 'no such file'],
    [['--endpoint', 'a b'], "endpoints: 'a b' is neither a host nor host:port"],
    [['--user', 'a,,b'], '--user must be a list of names'],
    [['--region', 'US!'], "--region 'US!' is not the name of a region"],
    [['--host', 'localhost'], '--host must be an IP address'],
    [['--clock-offset', '15'], "--clock-offset must be a time such as 16m or -90s, not '15'"],
    [['--clock-offset', '-15m'], "use '--clock-offset=-XYZ'"],
    [['--max-connections-per-second', '-1'], 'ambiguous'],
    [['--conflicts', '1'], 'conflicts has no effect with engine postgres'],
    [['--engine', 'dsql', '--conflict-code', 'OC002'], "--conflict-code must be OC000 or OC001, not 'OC002'"],
    [['--engine', 'dsql', '--max-session-seconds', '0'], '--max-session-seconds must be more than 0'],
    [['--identity', 'AKIATEST'], '--identity must be'],
    [['--backend-user', 'john=:secret'], '--backend-user must be'],
    [['--backend-user', 'john=john:secret'], 'backendUsers has no effect without backend'],
    [['--json', '--shell'], '--json and --shell exclude each other'],
    [['--no-control', '--control-port', '1'], '--no-control and --control-port exclude each other'],
  ])('%j are refused in one line', async (args, message) => {
    const { status, stdout, stderr } = await run(args).ended
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/^rds-iam-local: [^\n]+ \(see rds-iam-local --help\)\n$/)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('secret')
  })
})

describe('a command that cannot start', () => {
  test.each(['--port', '--control-port'])('says that the port of %s is in use', async (flag) => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    expect(await runBehind(flag, String(port)).ended).toEqual({
      status: 1,
      signal: null,
      stdout: '',
      stderr: `rds-iam-local: port ${port} is in use on 127.0.0.1: choose another one, or omit it for a free one\n`,
    })
    other.close()
    nothingIsLeft()
  })

  test('says that an address is not this machine’s', async () => {
    const { status, stderr } = await runBehind('--host', '192.0.2.1').ended
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'rds-iam-local: 192.0.2.1 is not an address of this machine: choose another --host\n',
    })
  })

  test('says that the certificate cannot be written, and stops its database', async () => {
    const { status, stderr } = await run(['--ca-file', join(scratch.path, 'none/ca.pem')]).ended
    expect(status).toBe(1)
    expect(stderr).toMatch(/^rds-iam-local: ENOENT[^\n]+\n$/)
    nothingIsLeft()
  })
})
