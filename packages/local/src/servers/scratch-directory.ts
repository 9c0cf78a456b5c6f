import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Account } from './account'

/** A private directory of a database server, which lives no longer than this process. */
export interface ScratchDirectory {
  /** Its path. */
  path: string
  /** Names the process that works in the directory and is to die with it. */
  guard(pid: number): void
  /** Removes it with all that is in it. */
  remove(): void
}

/**
 * Makes a private directory, mode 0700, that the account owns and can reach.
 *
 * It lies in the system's directory for temporary files, or in the first of the usual ones that the account may enter.
 * However this process ends, the directory is removed and the server in it is stopped.
 * @throws {Error} when the account can enter none of them.
 */
export function createScratchDirectory(account?: Account): ScratchDirectory {
  const candidates = [tmpdir(), '/tmp', '/var/tmp', '/dev/shm']
  const parent = account === undefined ? tmpdir() : candidates.find((path) => canEnter(path, account))
  if (parent === undefined)
    throw new Error(
      `the account ${account?.name} can enter none of ${candidates.join(', ')}: set TMPDIR to a directory that it can`,
    )
  const path = join(resolve(parent), `rds-iam-local-${randomBytes(6).toString('hex')}`)
  mkdirSync(path, { mode: 0o700 })
  chmodSync(path, 0o700) // whatever the umask says
  if (account !== undefined) chownSync(path, account.uid, account.gid)
  const watchdog = startWatchdog(path)
  let server: number | undefined
  const abandon = (): void => {
    if (server !== undefined) stopProcess(server)
    try {
      removeTree(path)
    } catch {
      // The server was faster at making files; the watchdog comes after it.
    }
  }
  atExit.add(abandon)
  return {
    path,
    guard(pid) {
      server = pid
      watchdog.tell(pid)
    },
    remove() {
      atExit.delete(abandon)
      watchdog.stop()
      removeTree(path)
    },
  }
}

/** Tells whether every directory from the root down to `path` lets the account pass. */
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

function stopProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGQUIT') // both engines stop at once, and release what they share
  } catch {
    // it is gone already
  }
}

// One listener for all directories, or many of them would look like a leak.
const atExit = new Set<() => void>()
process.on('exit', () => {
  for (const abandon of atExit) abandon()
})

// A process that is killed runs no handlers. A shell notices, for its input ends: it stops the server whose number it
// was told last, and removes the directory. It does not wait with that: in a container without an init process the
// server's number stays in use after its end.
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

interface Watchdog {
  tell(pid: number): void
  stop(): void
}

function startWatchdog(directory: string): Watchdog {
  if (process.platform === 'win32') return { tell() {}, stop() {} }
  const shell = spawn('/bin/sh', ['-c', WATCHDOG, 'sh', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // signals to our process group, such as Ctrl-C, are not for it
    cwd: '/',
  })
  shell.on('error', () => {}) // no shell: the handler for 'exit' has to do
  shell.stdin.on('error', () => {})
  shell.unref()
  return {
    tell(pid) {
      shell.stdin.write(`${pid}\n`)
    },
    stop() {
      shell.kill('SIGKILL')
    },
  }
}
