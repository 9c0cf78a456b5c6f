import { spawnSync } from 'node:child_process'

/** An account of the operating system. */
export interface Account {
  /** Its name. */
  name: string
  /** User id. */
  uid: number
  /** Group id. */
  gid: number
}

const CANDIDATES = ['nobody', 'postgres', 'daemon']

/**
 * Finds an account that a server may run as which refuses to run as root.
 *
 * Returns undefined when this process is not root. Creates no account.
 * @throws {Error} when root finds no unprivileged account.
 */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of CANDIDATES) {
    const uid = numericId('-u', name)
    const gid = numericId('-g', name)
    if (uid !== undefined && gid !== undefined && uid > 0) return { name, uid, gid }
  }
  throw new Error(
    `PostgreSQL does not run as root, and there is no account ${CANDIDATES.join(' or ')} to run it as`,
  )
}

function numericId(option: string, name: string): number | undefined {
  const { status, stdout } = spawnSync('id', [option, name], { encoding: 'utf8' })
  return status === 0 && /^\d+\s*$/.test(stdout) ? Number(stdout) : undefined
}
