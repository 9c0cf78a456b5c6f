import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian packages by what a test needs of them: a program in PATH, or a file by its absolute path. */
export type Needs = Readonly<Record<string, string>>

/**
 * Makes sure that all of it is there: the machine's, or Debian's where we may install that.
 *
 * @throws {Error} with the packages that are missing.
 */
export async function requirePrograms(needs: Needs): Promise<void> {
  if (missing(needs).length === 0) return
  let output = 'it needs root and apt-get'
  if (process.getuid?.() === 0 && find('apt-get')) output = await install(missing(needs))
  const left = missing(needs)
  if (left.length > 0) throw new Error(`these tests need ${left.join(', ')}: apt-get install (${output})`)
}

const missing = (needs: Needs) =>
  Object.entries(needs).flatMap(([wanted, debianPackage]) => (find(wanted) ? [] : [debianPackage]))

function find(wanted: string): boolean {
  if (wanted.startsWith('/')) return existsSync(wanted)
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => existsSync(join(directory, wanted)))
}

/** Installs packages, and gives what apt-get said. Test files run side by side, so each waits for its turn. */
async function install(packages: string[]): Promise<string> {
  const script =
    'apt-get update -qq; apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@"'
  const child = spawn('flock', ['/var/lib/apt/rds-iam-tests.lock', 'sh', '-c', script, 'sh', ...packages], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await once(child, 'close')
  return output.trim()
}
