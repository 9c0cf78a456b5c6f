import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Account } from './account'

/**
 * Makes a private directory, mode 0700, that the account can reach and owns.
 *
 * It lies in the system's directory for temporary files, or in the first of the usual ones that the account may enter.
 * @throws {Error} when the account can enter none of them.
 */
export function createScratchDirectory(account?: Account): string {
  const candidates = [tmpdir(), '/tmp', '/var/tmp', '/dev/shm']
  const parent = account === undefined ? tmpdir() : candidates.find((path) => canEnter(path, account))
  if (parent === undefined)
    throw new Error(
      `the account ${account?.name} can enter none of ${candidates.join(', ')}: set TMPDIR to a directory that it can`,
    )
  const path = join(resolve(parent), `rds-iam-local-${randomBytes(6).toString('hex')}`)
  mkdirSync(path, { mode: 0o700 })
  if (account !== undefined) chownSync(path, account.uid, account.gid)
  chmodSync(path, 0o700) // whatever the umask says
  return path
}

/** Removes a directory with all that is in it; a directory that is not there is fine. */
export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
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
