import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { pack, publishedPackages, readJson, root } from '../../scripts/packages.mjs'
import { run } from '../../test/packages/run'
import { RESOLVED_AS_OF, type Runtime } from './versions'

const cache = join(root, 'node_modules/.cache/runtimes')

/** Installs a runtime into the cache, if it is not there yet. Returns the path of its program. */
export async function installRuntime(runtime: Runtime): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`the runtimes are installed for Linux on x64, not ${process.platform} on ${process.arch}`)
  }
  const folder = join(cache, `${runtime.name.toLowerCase()}-${runtime.version}`)
  const program = join(folder, 'node_modules', runtime.package, runtime.program)
  if (!existsSync(program)) {
    console.error(`Installing ${runtime.name} ${runtime.version} …`)
    await installInto(folder, { [runtime.package]: runtime.version })
  }
  return program
}

const PACKAGES = ['core', 'knex', 'kysely']
/** The packages that the contract imports besides ours, in the versions of the tests. */
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

/** Scripts in an application with our packages, to run on each runtime. */
export interface Application {
  playCases: string
  earlySubscriber: string
}

/** Creates an application with our packages as they are published, all drivers, and the scripts. */
export async function installApplication(): Promise<Application> {
  const folder = join(cache, 'application')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  pack(folder)
  const packed = publishedPackages().filter(({ id }) => PACKAGES.includes(id))
  const { dependencies: versions } = readJson(`${root}test/package.json`)
  await installInto(
    folder,
    Object.fromEntries([
      ...packed.map(({ name, tarball }) => [name, `file:${tarball}`]),
      ...DEPENDENCIES.map((name) => [name, versions[name]]),
    ]),
  )
  return {
    playCases: await bundle('play-cases', folder),
    earlySubscriber: await bundle('early-subscriber', folder),
  }
}

async function bundle(script: string, folder: string): Promise<string> {
  const outfile = join(folder, `${script}.mjs`)
  await build({
    entryPoints: [fileURLToPath(new URL(`${script}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  })
  return outfile
}

async function installInto(folder: string, dependencies: Record<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
  const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  await run('npm', ['install', ...quick, `--before=${RESOLVED_AS_OF}`], { cwd: folder })
}
