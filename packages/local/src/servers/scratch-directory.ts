import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Writable } from 'node:stream'
import type { Account } from './account'

// What fits into an address of a Unix-domain socket on macOS; on Linux it is a little more.
const LONGEST_SOCKET_PATH = 103

/**
 * A private directory of a database server, mode 0700, that the account owns and can reach.
 *
 * It lies in the system's directory for temporary files, or in the first of the usual ones that the account may enter.
 * However this process ends, the directory is removed and the server in it is stopped.
 */
export class ScratchDirectory {
  /** Its path. */
  readonly path: string
  readonly #watchdog: ReturnType<typeof startWatchdog>
  #server: number | undefined

  /** @throws {Error} when the account can enter no directory for temporary files. */
  constructor(account?: Account) {
    const path = join(resolve(parentFor(account)), `rds-iam-local-${randomBytes(6).toString('hex')}`)
    mkdirSync(path, { mode: 0o700 })
    chmodSync(path, 0o700) // whatever the umask says
    if (account !== undefined) chownSync(path, account.uid, account.gid)
    this.path = path
    this.#watchdog = startWatchdog(path)
    atExit.add(this.#abandon)
  }

  /** Path of a Unix-domain socket in it; undefined where there are none, or the path would be too long for one. */
  socketPath(name: string): string | undefined {
    const path = join(this.path, name)
    return process.platform === 'win32' || Buffer.byteLength(path) > LONGEST_SOCKET_PATH ? undefined : path
  }

  /** Names the process that uses the directory, or undefined for none; it is stopped when this process ends. */
  guard(pid: number | undefined): void {
    this.#server = pid
    this.#watchdog?.stdin.write(`${pid ?? ''}\n`)
  }

  /** Removes it with its contents. */
  remove(): void {
    atExit.delete(this.#abandon)
    this.#watchdog?.kill('SIGKILL')
    removeTree(this.path)
  }

  readonly #abandon = (): void => {
    try {
      if (this.#server !== undefined) process.kill(this.#server, 'SIGQUIT') // stops both engines at once
    } catch {
      // It is gone already.
    }
    try {
      removeTree(this.path)
    } catch {
      // The server created files meanwhile; the watchdog removes them.
    }
  }
}

function parentFor(account: Account | undefined): string {
  if (account === undefined) return tmpdir()
  const candidates = [tmpdir(), '/tmp', '/var/tmp', '/dev/shm']
  const parent = candidates.find((path) => canEnter(path, account))
  if (parent !== undefined) return parent
  throw new Error(
    `the account ${account.name} can enter none of ${candidates.join(', ')}: set TMPDIR to a directory that it can`,
  )
}

/** Whether the account may enter every directory down to `path`. */
function canEnter(path: string, { uid, gid }: Account): boolean {
  for (let current = resolve(path); ; current = dirname(current)) {
    const stats = statSync(current, { throwIfNoEntry: false })
    if (stats === undefined) return false
    const bit = stats.uid === uid ? 0o100 : stats.gid === gid ? 0o010 : 0o001
    if ((stats.mode & bit) === 0) return false
    if (dirname(current) === current) return true
  }
}

function removeTree(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
}

// One listener for all directories: Node warns of a leak when there are many.
const atExit = new Set<() => void>()
process.on('exit', () => {
  for (const abandon of atExit) abandon()
})

// A killed process runs no exit handlers. This shell notices, because its input ends: it stops the server with the last
// process id that it read, and removes the directory. It removes the directory at once: in a container without an init
// process the server's process id stays in use after its end.
const WATCHDOG = `
pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  kill -QUIT "$pid" 2>/dev/null
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ $tries -lt 50 ]; do
    sleep 0.1
    rm -rf -- "$1"
    tries=$((tries + 1))
  done
  kill -KILL "$pid" 2>/dev/null
fi
rm -rf -- "$1"
`

/** Starts the shell; undefined on Windows. */
function startWatchdog(directory: string): ChildProcessByStdio<Writable, null, null> | undefined {
  if (process.platform === 'win32') return undefined
  const shell = spawn('/bin/sh', ['-c', WATCHDOG, 'sh', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // signals to our process group, such as Ctrl-C, are not for it
    cwd: '/',
  })
  shell.on('error', () => {}) // no shell: only the handler for 'exit' cleans up
  shell.stdin.on('error', () => {})
  shell.unref()
  return shell
}
