import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRequire } from 'node:module'
import { readJson, root } from '../../scripts/packages.mjs'
import { run } from './run'

/** A package manager, in the folder of an application. */
interface Manager {
  install(folder: string): Promise<string>
  /** Runs a command that the installed packages bring. */
  exec(folder: string, command: string[]): Promise<string>
}

// What packages ask for by range is resolved as on this day, so that a run next year installs the same.
// Who raises a version in a test or a package beyond this day moves the day.
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

/** Installs an application with one of the package managers; our scope comes from `registry`. */
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

/** Yarn reads nothing of npm's settings. JSON is YAML. */
async function yarnSettings(cwd: string, registry: string): Promise<string> {
  const setting = async (name: string) => (await run('npm', ['config', 'get', name], { cwd })).trim()
  const cafile = await setting('cafile')
  return JSON.stringify({
    npmRegistryServer: await setting('registry'),
    npmScopes: { 'rds-iam': { npmRegistryServer: registry } },
    npmMinimalAgeGate: ageInMinutes(),
    unsafeHttpWhitelist: ['*'],
    // Yarn's own knows a registry by its host and a package by name and version alone: it would give us an earlier run's.
    globalFolder: join(cwd, '.yarn-global'),
    // There is no lock file to keep to, whatever CI says.
    enableImmutableInstalls: false,
    enableScripts: false,
    enableTelemetry: false,
    ...(cafile === 'null' ? {} : { httpsCaFilePath: cafile }),
  })
}
