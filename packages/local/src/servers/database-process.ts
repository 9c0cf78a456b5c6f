import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Account } from './account'
import type { ScratchDirectory } from './scratch-directory'

/** A program to run for a database. */
export interface DatabaseProgram {
  /** Path of the executable. */
  file: string
  /** Arguments. */
  args: string[]
  /** Directory that belongs to the database alone; also the working directory. */
  directory: ScratchDirectory
  /** Account to run as. Default: this process's. */
  account?: Account | undefined
  /** Additional environment variables. */
  env?: Record<string, string>
  /** Stops it when it is aborted, while it is awaited. */
  signal?: AbortSignal | undefined
  /** Whether the program stops its own child processes when it gets a signal. Otherwise they get the signal too. */
  stopsItsOwn?: boolean
}

const OUTPUT_LIMIT = 16_384
const STOP_TIME_MS = 20_000

/**
 * Runs a program to its end.
 *
 * @throws {Error} with the end of its output when its exit status is not 0, the signal's reason when it is aborted.
 */
export async function runProgram(program: DatabaseProgram): Promise<void> {
  const child = spawnProgram(program)
  const output = collectOutput(child)
  const [status, signal] = await untilAborted(program, child, closed(child))
  if (status !== 0) throw new Error(`${program.file} ended with ${status ?? signal}: ${output.text()}`)
}

/**
 * Starts a server and waits until its output says that it is ready.
 *
 * @returns a function that asks it to stop with a signal, and waits until it has.
 * @throws {Error} with the end of its output when it ends before, the signal's reason when it is aborted.
 */
export async function startDatabase(
  program: DatabaseProgram,
  ready: string,
): Promise<(signal: NodeJS.Signals) => Promise<void>> {
  const child = spawnProgram(program)
  const output = collectOutput(child, ready)
  const exited = closed(child)
  const failed = exited.then(() => {
    throw new Error(`${program.file} ended before it was ready: ${output.text()}`)
  })
  failed.catch(() => {}) // once it is ready, its end is for stop() to see
  await untilAborted(program, child, Promise.race([output.found, failed]))
  return async (signal) => {
    child.kill(signal)
    AbortSignal.timeout(STOP_TIME_MS).addEventListener('abort', () => child.kill('SIGKILL'))
    await exited
    program.directory.guard(undefined)
  }
}

/**
 * Waits for what a child brings about. When that is given up, the child is stopped, with all that it started.
 *
 * @throws the signal's reason, once nothing of the child runs.
 */
async function untilAborted<T>(
  { signal, stopsItsOwn = false }: DatabaseProgram,
  child: ChildProcess,
  outcome: Promise<T>,
): Promise<T> {
  if (signal === undefined) return outcome
  const ended = closed(child)
  const stop = (): void => {
    if (stopsItsOwn) child.kill('SIGTERM')
    else killGroup(child, 'SIGTERM')
    AbortSignal.timeout(STOP_TIME_MS).addEventListener('abort', () => killGroup(child, 'SIGKILL'))
  }
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  try {
    return await outcome
  } finally {
    signal.removeEventListener('abort', stop)
    if (signal.aborted) await ended
    signal.throwIfAborted()
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // it is gone already
  }
}

function spawnProgram({ file, args, directory, account, env }: DatabaseProgram): ChildProcess {
  // Variables such as PGDATA or MYSQL_HOME must not reach the server.
  const { PATH = '/usr/bin:/bin', SystemRoot = '' } = process.env
  const child = spawn(file, args, {
    cwd: directory.path,
    env: { PATH, SystemRoot, HOME: directory.path, TMPDIR: directory.path, LC_ALL: 'C', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    // A group of its own, so that Ctrl-C in a terminal reaches us alone, and we stop it in our own time.
    detached: process.platform !== 'win32',
    uid: account?.uid,
    gid: account?.gid,
  })
  if (child.pid !== undefined) directory.guard(child.pid)
  return child
}

/** Waits for a child's end and for the end of its output, or for the failure to start it. */
async function closed(child: ChildProcess): Promise<[status: number | null, signal: string | null]> {
  const ended = once(child, 'close') as Promise<[number | null, string | null]>
  return ended.catch(() => [null, 'an error'])
}

/** Collects the end of a child's output, and tells when it contains a text. */
function collectOutput(child: ChildProcess, wanted?: string): { text: () => string; found: Promise<void> } {
  let text = ''
  const found = new Promise<void>((resolve) => {
    const append = (chunk: Buffer | string): void => {
      text = (text + chunk.toString()).slice(-OUTPUT_LIMIT)
      if (wanted !== undefined && text.includes(wanted)) resolve()
    }
    child.stdout?.on('data', append)
    child.stderr?.on('data', append)
    child.on('error', (error) => append(error.message))
  })
  return { text: () => text.trim(), found }
}
