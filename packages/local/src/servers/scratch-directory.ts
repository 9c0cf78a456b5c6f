import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Account } from './account'

/** A private directory of a database server, which is removed when this process ends. */
export interface ScratchDirectory {
  /** Its path. */
  path: string
  /** Names the process that uses the directory, or undefined for none; it is stopped when this process ends. */
  guard(pid: number | undefined): void
  /** Removes it with its contents. */
  remove(): void
}

/**
 * Creates a private directory, mode 0700, that the account owns and can reach.
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
      // The server created files meanwhile; the watchdog removes them.
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

function stopProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGQUIT') // both engines stop at once, and release what they share
  } catch {
    // it is gone already
  }
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

interface Watchdog {
  tell(pid: number | undefined): void
  stop(): void
}

function startWatchdog(directory: string): Watchdog {
  if (process.platform === 'win32') return { tell() {}, stop() {} }
  const shell = spawn('/bin/sh', ['-c', WATCHDOG, 'sh', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // signals to our process group, such as Ctrl-C, are not for it
    cwd: '/',
  })
  shell.on('error', () => {}) // no shell: only the handler for 'exit' cleans up
  shell.stdin.on('error', () => {})
  shell.unref()
  return {
    tell(pid) {
      shell.stdin.write(`${pid ?? ''}\n`)
    },
    stop() {
      shell.kill('SIGKILL')
    },
  }
}
