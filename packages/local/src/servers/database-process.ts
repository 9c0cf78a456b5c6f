import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import type { Account } from './account'
import { removeDirectory } from './scratch-directory'

/** A program to run for a database. */
export interface DatabaseProgram {
  /** Path of the executable. */
  file: string
  /** Arguments. */
  args: string[]
  /** Directory that belongs to the database alone; also the working directory. */
  directory: string
  /** Account to run as. Default: this process's. */
  account?: Account | undefined
  /** Additional environment variables. */
  env?: Record<string, string>
}

/** A database server that runs as a child of this process. */
export interface DatabaseProcess {
  /** Asks it to stop with `signal`, and waits until it has. */
  stop(signal: NodeJS.Signals): Promise<void>
}

const OUTPUT_LIMIT = 16_384
const STOP_TIME_MS = 20_000

/**
 * Runs a program to its end.
 *
 * @throws {Error} with the end of its output when its exit status is not 0.
 */
export async function runProgram(program: DatabaseProgram): Promise<void> {
  const child = spawn(program.file, program.args, spawnOptions(program))
  const output = collectOutput(child)
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (status !== 0) throw new Error(`${program.file} ended with ${status ?? signal}: ${output.text()}`)
}

/**
 * Starts a server and waits until its output says that it is ready.
 *
 * The server does not outlive this process, however that ends: where there is a shell, one waits for the end of a pipe
 * from us, then kills the server and removes its directory.
 * @throws {Error} with the end of its output when it exits before.
 */
export async function startDatabase(program: DatabaseProgram, ready: string): Promise<DatabaseProcess> {
  // A group of its own, so that Ctrl-C in a terminal reaches us alone, and we stop it in our own time.
  const child = spawn(program.file, program.args, { ...spawnOptions(program), detached: process.platform !== 'win32' })
  const output = collectOutput(child)
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const watchdog = startWatchdog(child, program.directory)
  const killAtExit = (): void => {
    child.kill('SIGKILL')
    removeDirectory(program.directory)
  }
  process.once('exit', killAtExit)
  const forget = (): void => {
    process.off('exit', killAtExit)
    watchdog?.kill('SIGKILL')
  }
  const failed = exited.then(() => {
    forget()
    throw new Error(`${program.file} ended before it was ready: ${output.text()}`)
  })
  await Promise.race([output.contains(ready), failed])
  failed.catch(() => {}) // from now on its exit is noticed by stop()
  return {
    async stop(signal) {
      child.kill(signal)
      const limit = AbortSignal.timeout(STOP_TIME_MS)
      limit.addEventListener('abort', () => child.kill('SIGKILL'))
      await exited
      forget()
    },
  }
}

function spawnOptions({ directory, account, env }: DatabaseProgram): SpawnOptions {
  // Variables such as PGDATA or MYSQL_HOME must not reach the server.
  const { PATH = '/usr/bin:/bin', SystemRoot } = process.env
  return {
    cwd: directory,
    env: {
      PATH,
      ...(SystemRoot === undefined ? {} : { SystemRoot }),
      HOME: directory,
      TMPDIR: directory,
      LC_ALL: 'C',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  }
}

interface Output {
  text(): string
  contains(wanted: string): Promise<void>
}

function collectOutput(child: ChildProcess): Output {
  let text = ''
  let check = (): void => {}
  const append = (chunk: Buffer): void => {
    text = (text + chunk.toString('utf8')).slice(-OUTPUT_LIMIT)
    check()
  }
  child.stdout?.on('data', append)
  child.stderr?.on('data', append)
  child.on('error', (error) => append(Buffer.from(error.message)))
  return {
    text: () => text.trim(),
    contains: (wanted) =>
      new Promise((resolve) => {
        check = () => {
          if (text.includes(wanted)) resolve()
        }
        check()
      }),
  }
}

// Reads until we are gone, then kills the server, waits for it and removes its directory.
const WATCHDOG = `
while read -r _; do :; done
kill -QUIT "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -KILL "$1" 2>/dev/null
rm -rf -- "$2"
`

function startWatchdog(database: ChildProcess, directory: string): ChildProcess | undefined {
  if (process.platform === 'win32' || database.pid === undefined) return undefined
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'sh', String(database.pid), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  })
  watchdog.on('error', () => {})
  watchdog.stdin?.on('error', () => {})
  watchdog.unref()
  return watchdog
}
