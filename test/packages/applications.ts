import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const workspace = fileURLToPath(new URL('../../', import.meta.url))
const consumers = fileURLToPath(new URL('consumers/', import.meta.url))

export const packages = ['core', 'knex', 'kysely', 'local']

/** An application as users have one: some of our packages, what it uses of the drivers, and nothing else. */
interface Application {
  packages: string[]
  dependencies: Record<string, string>
  /** Its TypeScript: files in `consumers`. */
  sources: string[]
}

const node = { '@types/node': '20.19.43' }

export const applications: Record<string, Application> = {
  pg: {
    packages,
    dependencies: { ...node, pg: '8.23.1', '@types/pg': '8.23.1', knex: '3.3.0', kysely: '0.28.18' },
    sources: ['pg', 'knex', 'kysely', 'local', 'bundled-knex', 'bundled-kysely'],
  },
  'pg-untyped': {
    packages: ['core'],
    dependencies: { ...node, pg: '8.23.1' },
    sources: ['pg-untyped'],
  },
  mysql2: {
    packages: ['core', 'knex', 'kysely'],
    dependencies: { ...node, mysql2: '3.24.6', knex: '3.1.0', kysely: '0.29.9' },
    sources: ['mysql2', 'knex', 'kysely'],
  },
  'postgres-mariadb': {
    packages: ['core'],
    dependencies: { ...node, postgres: '3.4.9', mariadb: '3.5.4' },
    sources: ['postgres', 'mariadb'],
  },
}

const tools = { typescript: '5.9.3', jest: '30.5.2', esbuild: '0.28.2' }

// What packages ask for by range is resolved as on this day, so that a run next year installs the same.
// Who raises a version above or in a package beyond this day moves the day.
const RESOLVED_AS_OF = '2026-11-24'

/** Runs a command and gives its output; the error of one that fails holds all that it said. */
export async function run(
  command: string,
  args: string[],
  options: { cwd: string; env?: object },
): Promise<string> {
  // Only Windows' npm needs a shell, as it is a .cmd file there.
  const shell = process.platform === 'win32' && command !== process.execPath
  const env = { ...process.env, ...options.env }
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      cwd: options.cwd,
      env,
      shell,
      timeout: 240_000,
    })
    return stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error })
  }
}

/** Packs our packages into `folder`, and installs the tools and each application in a folder of its own there. */
export async function install(folder: string): Promise<void> {
  const manifest: { packageManager: string } = JSON.parse(await readFile(`${workspace}package.json`, 'utf8'))
  const filters = packages.map((name) => `--filter=@rds-iam/${name}`)
  const pack = ['-r', ...filters, 'pack', '--out', join(folder, '%s.tgz')]
  await run('npm', ['exec', '--yes', '--', manifest.packageManager, ...pack], { cwd: workspace })

  await Promise.all([
    installInto(join(folder, 'tools'), tools),
    ...Object.entries(applications).map(async ([name, { packages, dependencies, sources }]) => {
      const ours = packages.map((name) => [`@rds-iam/${name}`, `file:../rds-iam-${name}.tgz`])
      await installInto(join(folder, name), { ...Object.fromEntries(ours), ...dependencies })
      await Promise.all(sources.map((source) => copySource(source, join(folder, name))))
    }),
  ])
}

async function installInto(folder: string, dependencies: Record<string, string>): Promise<void> {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
  const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  await run('npm', ['install', ...quick, `--before=${RESOLVED_AS_OF}`], { cwd: folder })
}

/** One source becomes an ES module, a CommonJS module, and what a bundler takes. */
async function copySource(name: string, folder: string): Promise<void> {
  const copies = ['mts', 'cts', 'ts'].map((extension) => join(folder, `${name}.${extension}`))
  await Promise.all(copies.map((copy) => copyFile(`${consumers}${name}.mts`, copy)))
}

/** Copies a script from `consumers` and gives its path. */
export async function copyScript(name: string, folder: string): Promise<string> {
  await copyFile(`${consumers}${name}`, join(folder, name))
  return join(folder, name)
}
