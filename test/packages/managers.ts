import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRequire } from 'node:module'
import { readJson, root } from '../../scripts/packages.mjs'
import { run } from './run'

/** A package manager, in the folder of an application. */
interface Manager {
  install(folder: string): Promise<string>
  /** Runs a command of the installed packages. */
  exec(folder: string, command: string[]): Promise<string>
}

// Dependency ranges are resolved as of this day, so that a run next year installs the same versions. Move the day when a
// test or a package needs a later version.
const RESOLVED_AS_OF = '2026-11-24'
const ageInMinutes = () => String(Math.ceil((Date.now() - Date.parse(RESOLVED_AS_OF)) / 60_000))

const { packageManager } = readJson(join(root, 'package.json'))
const pnpm = (cwd: string, args: string[]) =>
  run('npm', ['exec', '--yes', '--', packageManager, ...args], { cwd })

const yarnProgram = createRequire(import.meta.url).resolve('@yarnpkg/cli-dist/bin/yarn.js')
async function yarn(cwd: string, args: string[]): Promise<string> {
  return run(process.execPath, [yarnProgram, ...args], { cwd })
}

export const managers: Readonly<Record<'npm' | 'pnpm' | 'yarn', Manager>> = {
  npm: {
    install: (cwd) =>
      run(
        'npm',
        [
          'install',
          '--prefer-offline',
          '--no-audit',
          '--no-fund',
          '--ignore-scripts',
          '--loglevel=error',
          `--before=${RESOLVED_AS_OF}`,
        ],
        { cwd },
      ),
    exec: (cwd, command) => run('npm', ['exec', '--', ...command], { cwd }),
  },
  pnpm: {
    install: (cwd) =>
      pnpm(cwd, [
        'install',
        '--prefer-offline',
        '--ignore-scripts',
        `--config.minimumReleaseAge=${ageInMinutes()}`,
      ]),
    exec: (cwd, command) => pnpm(cwd, ['exec', ...command]),
  },
  // As it comes: Plug'n'Play, in which a package finds nothing that it does not declare.
  yarn: {
    install: (cwd) => yarn(cwd, ['install']),
    exec: yarn,
  },
}

/** Installs an application with one of the package managers. Packages of our scope come from `registry`. */
export async function installInto(
  folder: string,
  manager: keyof typeof managers,
  dependencies: Record<string, string>,
  registry: string,
): Promise<void> {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
  await writeFile(join(folder, '.npmrc'), `@rds-iam:registry=${registry}\n`)
  if (manager === 'yarn') await writeFile(join(folder, '.yarnrc.yml'), await yarnSettings(folder, registry))
  await managers[manager].install(folder)
}

/** Yarn does not read npm's settings. Its file is YAML, of which JSON is a subset. */
async function yarnSettings(cwd: string, registry: string): Promise<string> {
  const setting = async (name: string) => (await run('npm', ['config', 'get', name], { cwd })).trim()
  const cafile = await setting('cafile')
  return JSON.stringify({
    npmRegistryServer: await setting('registry'),
    npmScopes: { 'rds-iam': { npmRegistryServer: registry } },
    npmMinimalAgeGate: ageInMinutes(),
    unsafeHttpWhitelist: ['*'],
    // Yarn's global cache ignores a registry's port: it would return the packages of an earlier run.
    globalFolder: join(cwd, '.yarn-global'),
    // There is no lock file yet, also when CI is set.
    enableImmutableInstalls: false,
    enableScripts: false,
    enableTelemetry: false,
    ...(cafile === 'null' ? {} : { httpsCaFilePath: cafile }),
  })
}
