import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publishedPackages, readJson, root } from '../../scripts/packages.mjs'
import { installInto, installWorkspace, managers } from './managers'
import type { Packed } from './tarballs'

const consumers = fileURLToPath(new URL('consumers/', import.meta.url))

/** A user's application: some of our packages, the drivers that it uses, and nothing else. */
interface Application {
  packages: string[]
  dependencies: Record<string, string>
  /** Its TypeScript files, in `consumers`. */
  sources: string[]
}

const node = { '@types/node': '20.19.43' }

export const applications: Record<string, Application> = {
  pg: {
    packages: ['core', 'knex', 'kysely', 'local'],
    dependencies: { ...node, pg: '8.23.1', '@types/pg': '8.23.1', knex: '3.3.0', kysely: '0.28.0' },
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

const tools = { jest: '30.5.2' }

/** The dependencies of an application with all our packages: also their peers, in the versions of our tests. */
function everything(packed: Packed[]): Record<string, string> {
  const { dependencies } = readJson(`${root}test/package.json`)
  const peers = new Set(packed.flatMap(({ manifest }) => Object.keys(manifest['peerDependencies'] ?? {})))
  const installed = [...peers].map((name) => [name, dependencies[name]])
  return { ...node, typescript: '5.9.3', '@types/pg': '8.23.1', ...Object.fromEntries(installed) }
}

/** The oldest version in each dependency range of core. */
function oldestOfCore(packed: Packed[]): Record<string, string> {
  const { manifest } = packed.find(({ id }) => id === 'core') as Packed
  const ranges = Object.entries<string>(manifest['dependencies'] ?? {})
  return Object.fromEntries(ranges.map(([name, range]) => [name, /\d+\.\d+\.\d+/.exec(range)?.[0] ?? '']))
}

/** Installs the tools and the above applications, and one application with each package manager. */
export async function install(folder: string, packed: Packed[], registry: string): Promise<void> {
  const ours = (ids: string[]) =>
    Object.fromEntries(packed.filter(({ id }) => ids.includes(id)).map(dependency))
  const projects = Object.entries(applications).map(([name, { packages, dependencies }]) => [
    name,
    { ...ours(packages), ...dependencies },
  ])
  const installations = await Promise.allSettled([
    installWorkspace(join(folder, 'applications'), { tools, ...Object.fromEntries(projects) }, registry),
    installInto(join(folder, 'oldest'), 'npm', { ...ours(['core']), ...oldestOfCore(packed) }, registry),
    ...(Object.keys(managers) as (keyof typeof managers)[]).map((manager) => {
      const all = { ...ours(packed.map(({ id }) => id)), ...everything(packed) }
      return installInto(join(folder, `by-${manager}`), manager, all, registry)
    }),
  ])
  // Throw only when all have ended: a running installation would disturb the cleanup.
  for (const one of installations) if (one.status === 'rejected') throw one.reason
  for (const [name, { sources }] of Object.entries(applications))
    for (const source of sources) await copySource(source, join(folder, 'applications', name))
}

/** Our scope has its own registry. `rds-iam` has no scope, so it is installed from its file. */
function dependency({ name, file, manifest }: Packed): [string, string] {
  return [name, name.startsWith('@') ? manifest['version'] : `file:${file}`]
}

/** The entry points of an application's installed packages. */
export function entriesOf(packages: string[]): string[] {
  return publishedPackages().flatMap(({ id, entries }) => (packages.includes(id) ? entries : []))
}

/** Writes one source as an ES module, as a CommonJS module, and as input for a bundler. */
async function copySource(name: string, folder: string): Promise<void> {
  const copies = ['mts', 'cts', 'ts'].map((extension) => join(folder, `${name}.${extension}`))
  await Promise.all(copies.map((copy) => copyFile(`${consumers}${name}.mts`, copy)))
}

/** Copies a script from `consumers`. Returns its path. */
export async function copyScript(name: string, folder: string): Promise<string> {
  await copyFile(`${consumers}${name}`, join(folder, name))
  return join(folder, name)
}
