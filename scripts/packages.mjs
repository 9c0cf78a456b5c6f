// The published packages, and pnpm in the version of the root's package.json. All scripts and tests use this module.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** Reads a JSON file. */
export const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))

/**
 * @typedef {object} Package
 * @property {string} name its name on npm
 * @property {string} id its name without the scope: `core` for `@rds-iam/core`
 * @property {string} folder its absolute path
 * @property {Record<string, any>} manifest its package.json
 * @property {string[]} entries its public entry points: `@rds-iam/core`, `@rds-iam/core/pg`
 * @property {Record<string, string>} bins its commands, each with the file in the package
 * @property {string} tarball the file name that `pack` writes
 */

/**
 * The published packages of a checkout. Each comes after its dependencies.
 *
 * @returns {Package[]}
 */
export function publishedPackages(checkout = root) {
  const packages = readdirSync(join(checkout, 'packages'))
    .map((folder) => describe(join(checkout, 'packages', folder)))
    .filter(({ manifest }) => !manifest.private)
  const depth = ({ manifest }) =>
    Math.max(
      0,
      ...packages
        .filter(({ name }) => manifest.dependencies?.[name])
        .map((dependency) => 1 + depth(dependency)),
    )
  return packages.toSorted((a, b) => depth(a) - depth(b))
}

function describe(folder) {
  const manifest = readJson(join(folder, 'package.json'))
  const { name, exports = {}, bin = {} } = manifest
  return {
    name,
    id: name.replace('@rds-iam/', ''),
    folder,
    manifest,
    // Skip package.json and the internal entry point, which has one format only.
    entries: Object.keys(exports)
      .filter((path) => exports[path].import)
      .map((path) => name + path.slice(1)),
    bins: bin,
    tarball: `${name.replace('@', '').replace('/', '-')}.tgz`,
  }
}

/**
 * Packs all packages of a built checkout into the folder `into`, as for publishing.
 *
 * @param {string} into an absolute path
 */
export function pack(into, checkout = root) {
  pnpm(['-r', '--filter', './packages/*', 'pack', '--out', join(into, '%s.tgz')], {
    checkout,
    stdout: 'ignore',
  })
}

/**
 * Runs pnpm in a checkout. Returns its output if `stdout` is 'pipe'.
 *
 * @param {string[]} args
 * @throws {Error} when it fails. pnpm prints its own messages to stderr.
 */
export function pnpm(args, { checkout = root, stdout = /** @type {number | 'ignore' | 'pipe'} */ (2) } = {}) {
  const { packageManager } = readJson(join(checkout, 'package.json'))
  // `pnpm run` and `yarn run` set this variable to their own script: then use npx (on Windows a .cmd file).
  const script = process.env['npm_execpath']
  const npm = script?.endsWith('npm-cli.js') ? script : undefined
  const [command, ...before] = npm ? [process.execPath, npm, 'exec', '--yes', '--'] : ['npx', '--yes']
  const result = spawnSync(command, [...before, packageManager, ...args], {
    cwd: checkout,
    stdio: ['ignore', stdout, 2],
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
    shell: process.platform === 'win32' && !npm,
    env: { ...process.env, CI: 'true', npm_config_loglevel: 'error' },
  })
  if (result.error) throw result.error
  if (result.status !== 0)
    throw new Error(`${packageManager} ${args.join(' ')} ended with status ${result.status}`)
  return result.stdout
}
