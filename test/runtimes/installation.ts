import { execFile } from 'node:child_process'
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { RESOLVED_AS_OF, type Runtime } from './versions'

const workspace = fileURLToPath(new URL('../../', import.meta.url))
const cache = join(workspace, 'node_modules/.cache/runtimes')

/** Gives the program of a runtime, and installs it into the cache when it is not there yet. */
export async function installRuntime(runtime: Runtime): Promise<string> {
  const folder = join(cache, `${runtime.name.toLowerCase()}-${runtime.version}`)
  const program = join(folder, 'node_modules', runtime.package, runtime.program)
  const there = await access(program).then(
    () => true,
    () => false,
  )
  if (!there) {
    console.error(`Installing ${runtime.name} ${runtime.version} …`)
    await installInto(folder, { [runtime.package]: runtime.version })
  }
  return program
}

/** What the contract's cases import at run time, beside our packages; the versions are those of the tests. */
const DEPENDENCIES = [
  '@sinonjs/fake-timers',
  'knex',
  'knex-3.1',
  'kysely',
  'kysely-0.28',
  'mysql2',
  'mysql2-3.15',
  'pg',
  'pg-8.11',
]
const PACKAGES = ['core', 'knex', 'kysely']

/** Installs our packages as they are published, with every driver, and puts the contract's player beside them. */
export async function installPlayer(): Promise<string> {
  const folder = join(cache, 'application')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })

  const { packageManager } = await manifest('package.json')
  const filters = PACKAGES.map((name) => `--filter=@rds-iam/${name}`)
  const pack = ['-r', ...filters, 'pack', '--out', join(folder, '%s.tgz')]
  await npm(['exec', '--yes', '--', String(packageManager), ...pack], workspace)

  const versions = (await manifest('test/package.json')).dependencies as Record<string, string>
  await installInto(
    folder,
    Object.fromEntries([
      ...PACKAGES.map((name) => [`@rds-iam/${name}`, `file:rds-iam-${name}.tgz`]),
      ...DEPENDENCIES.map((name) => [name, versions[name]]),
    ]),
  )
  const player = join(folder, 'play-cases.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('play-cases.ts', import.meta.url))],
    outfile: player,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
  })
  return player
}

async function installInto(folder: string, dependencies: Record<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
  const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  await npm(['install', ...quick, `--before=${RESOLVED_AS_OF}`], folder)
}

async function manifest(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(workspace, path), 'utf8')) as Record<string, unknown>
}

async function npm(args: string[], cwd: string): Promise<void> {
  await promisify(execFile)('npm', args, { cwd })
}
