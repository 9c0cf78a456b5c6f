import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
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
let pnpmProgram: Promise<string> | undefined
async function pnpm(cwd: string, args: string[]): Promise<string> {
  pnpmProgram ??= findPnpm()
  return run(process.execPath, [await pnpmProgram, ...args], { cwd })
}

/** Installs pnpm into npm's cache. Returns its script, which starts faster than `npm exec` with pnpm. */
async function findPnpm(): Promise<string> {
  const install = ['exec', '--yes', `--package=${packageManager}`]
  const path = await run('npm', [...install, '--', 'node', '-p', 'process.env.PATH'], { cwd: root })
  const scripts = path
    .trim()
    .split(delimiter)
    .map((bin) => join(bin, '../pnpm/bin/pnpm.cjs'))
  const script = scripts.find((file) => existsSync(file))
  if (script === undefined) throw new Error(`npm installed no ${packageManager}`)
  return script
}

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
  await writeApplication(folder, dependencies)
  await writeFile(join(folder, '.npmrc'), npmSettings(registry))
  if (manager === 'yarn') await writeFile(join(folder, '.yarnrc.yml'), await yarnSettings(folder, registry))
  await managers[manager].install(folder)
}

/**
 * Installs applications, each in its own subfolder, as one workspace of pnpm, which is faster than npm. Each package finds
 * only its own dependencies, and as peers those of its application.
 */
export async function installWorkspace(
  folder: string,
  projects: Record<string, Record<string, string>>,
  registry: string,
): Promise<void> {
  await writeApplication(folder, {})
  for (const [name, dependencies] of Object.entries(projects))
    await writeApplication(join(folder, name), dependencies)
  await writeFile(join(folder, '.npmrc'), npmSettings(registry))
  const settings = {
    packages: Object.keys(projects),
    hoist: false,
    autoInstallPeers: false,
    dedupePeerDependents: false,
  }
  await writeFile(join(folder, 'pnpm-workspace.yaml'), JSON.stringify(settings))
  await managers.pnpm.install(folder)
}

async function writeApplication(folder: string, dependencies: Record<string, string>): Promise<void> {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
}

function npmSettings(registry: string): string {
  return `@rds-iam:registry=${registry}\n`
}

/** Yarn does not read npm's settings. Its file is YAML, of which JSON is a subset. */
async function yarnSettings(cwd: string, registry: string): Promise<string> {
  const npm = JSON.parse(await run('npm', ['config', 'list', '--json'], { cwd })) as {
    registry: string
    cafile: string | null
  }
  return JSON.stringify({
    npmRegistryServer: npm.registry,
    npmScopes: { 'rds-iam': { npmRegistryServer: registry } },
    npmMinimalAgeGate: ageInMinutes(),
    unsafeHttpWhitelist: ['*'],
    // Yarn caches metadata by the registry's host, without the port: a shared folder would return that of an earlier run.
    // It caches packages by their whole address, so runs can share these.
    globalFolder: join(cwd, '.yarn-global'),
    enableGlobalCache: false,
    enableMirror: false,
    cacheFolder: join(homedir(), '.yarn/berry/cache'),
    // There is no lock file yet, also when CI is set.
    enableImmutableInstalls: false,
    enableScripts: false,
    enableTelemetry: false,
    ...(npm.cafile === null ? {} : { httpsCaFilePath: npm.cafile }),
  })
}
