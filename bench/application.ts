import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** An application like a user's: npm installed it, with all packages that the benchmark compares. */
export const application = fileURLToPath(new URL('application/', import.meta.url))

// git ignores node_modules.
const programs = join(application, 'node_modules/.programs')
const packages = fileURLToPath(new URL('../packages/', import.meta.url))

/** Loads a package of the application. */
export const requireFromApplication: NodeJS.Require = createRequire(join(application, 'package.json'))

/** Installs the versions in the application's lock file once, and copies in our packages as they are published. */
export async function installApplication(): Promise<void> {
  const modules = join(application, 'node_modules')
  const stamp = join(modules, '.installed')
  const wanted = createHash('sha256')
    .update(readFileSync(join(application, 'package-lock.json')))
    .digest('hex')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    console.error('Installing the packages to compare …')
    const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
    await promisify(execFile)('npm', args, { cwd: application, shell: process.platform === 'win32' })
    writeFileSync(stamp, wanted)
  }
  for (const name of ['core', 'knex', 'kysely']) {
    const target = join(modules, '@rds-iam', name)
    rmSync(target, { recursive: true, force: true })
    const { files }: { files: string[] } = JSON.parse(readFileSync(`${packages}${name}/package.json`, 'utf8'))
    for (const file of [...files.filter((pattern) => !pattern.startsWith('!')), 'package.json']) {
      cpSync(`${packages}${name}/${file}`, join(target, file), { recursive: true })
    }
  }
  mkdirSync(programs, { recursive: true })
}

/** Writes a program into the application. Returns its path. */
export function writeProgram(name: string, text: string): string {
  const file = join(programs, name)
  writeFileSync(file, text)
  return file
}

/** Runs a program in a new process. Returns the JSON that it prints. */
export async function runProgram<Answer>(
  file: string,
  env: NodeJS.ProcessEnv = {},
  nodeOptions: readonly string[] = [],
  args: readonly string[] = [],
): Promise<Answer> {
  const child = spawn(process.execPath, [...nodeOptions, file, ...args], {
    // Leave out the machine's AWS settings, and certificates that Node would read at its start.
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      AWS_EC2_METADATA_DISABLED: 'true',
      NODE_NO_WARNINGS: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  const status = await new Promise((resolve) => child.once('close', resolve))
  if (status !== 0) throw new Error(`${file} ended with ${status}: ${output.stderr}`)
  return JSON.parse(output.stdout) as Answer
}

// Drivers that knex and our adapters require, and this application does not use.
const UNUSED = [
  'better-sqlite3',
  'mariadb',
  'mysql',
  'mysql2',
  'oracledb',
  'pg-native',
  'pg-query-stream',
  'sqlite3',
  'tedious',
]

/** Bundles a program into one file, as for AWS Lambda. Returns its path. */
export async function bundleProgram(file: string): Promise<string> {
  const { build } = requireFromApplication('esbuild') as { build(options: object): Promise<unknown> }
  const outfile = file.replace('.programs', '.bundles')
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    external: UNUSED,
    logLevel: 'error',
  })
  return outfile
}
