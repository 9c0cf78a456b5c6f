// Compares the manifests with what is tested and documented.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bundledAwsPackages, signers, sources } from '../../scripts/aws-code.mjs'
import { publishedPackages, readJson, root } from '../../scripts/packages.mjs'

const packages = publishedPackages()
const workspace = readJson(join(root, 'package.json'))
const tested: Record<string, string> = readJson(join(root, 'test/package.json')).dependencies
const text = (file: string) => readFileSync(join(root, file), 'utf8')

test.each(packages)(
  '$name has a description, a licence and a repository',
  ({ folder, manifest, entries }) => {
    expect(manifest).toMatchObject({
      version: packages[0]?.manifest['version'],
      description: expect.stringMatching(/^[A-Z].{40,}[^.]$/),
      keywords: expect.arrayContaining(['aws', 'rds', 'aurora', 'iam', 'postgres', 'mysql']),
      homepage: 'https://rds-iam.github.io/rds-iam/',
      bugs: 'https://github.com/rds-iam/rds-iam/issues',
      license: 'MIT',
      author: 'The rds-iam authors',
      repository: {
        type: 'git',
        url: 'git+https://github.com/rds-iam/rds-iam.git',
        directory: folder.slice(root.length).replaceAll('\\', '/'),
      },
      engines: workspace.engines,
      publishConfig: { access: 'public', provenance: true },
    })
    if (entries.length > 0) expect(manifest).toMatchObject({ sideEffects: false })
  },
)

const peers = new Map(
  packages.flatMap(({ manifest }) => Object.entries<string>(manifest['peerDependencies'] ?? {})),
)

test('packages have the same peer ranges', () => {
  for (const { name, manifest } of packages)
    for (const [peer, range] of Object.entries(manifest['peerDependencies'] ?? {}))
      expect({ name, peer, range }).toEqual({ name, peer, range: peers.get(peer) })
})

test.each([...peers])('the contract tests %s in the oldest and newest version of %s', (peer, range) => {
  const oldest = /\d+\.\d+\.\d+/.exec(range)?.[0]
  const alias = Object.keys(tested).find((name) => tested[name] === `npm:${peer}@${oldest}`)
  const contract = readdirSync(join(root, 'test/contract'))
    .map((file) => text(`test/contract/${file}`))
    .join('\n')
  for (const installed of [peer, alias])
    expect(contract, `${peer}@${oldest} and the newest`).toMatch(
      new RegExp(`(from |import\\()'${installed}['/]`),
    )
})

const dependencies = packages.flatMap(({ manifest }) =>
  Object.entries<string>(manifest['dependencies'] ?? {}),
)

// AWS publishes several versions a week, and those of 2027 need Node 22: a caret range would install one on Node 20.
test.each(dependencies.filter(([name]) => name.startsWith('@aws-sdk/')))(
  'the range of %s has an upper limit: %s',
  (_, range) => {
    expect(range).toMatch(/^>=3\.\d+\.0 <3\.\d+\.0$/)
  },
)

test('the AWS packages whose code core bundles support the oldest Node version in our engines', async () => {
  const bundled = await bundledAwsPackages()
  expect(bundled.map(({ name }) => name)).toEqual(expect.arrayContaining([...signers, ...sources]))
  for (const { name, engines } of bundled)
    expect({ name, node: engines.node }).toEqual({ name, node: expect.stringMatching(/^>= ?(18|20)\.0\.0$/) })
})

test('prerelease dependencies have an exact version', () => {
  const prereleases = dependencies.filter(([, range]) => range.includes('-'))
  expect(prereleases.length).toBeGreaterThan(0)
  for (const [name, range] of prereleases)
    expect({ name, range }).toEqual({ name, range: /\d.*/.exec(range)?.[0] })
})

test('packageManager has the hash of the pnpm that runs', () => {
  expect(workspace.packageManager).toMatch(/^pnpm@\d+\.\d+\.\d+\+sha512\.[0-9a-f]{128}$/)
})

test('ARCHITECTURE.md gives a reason for every dependency', () => {
  const rows = [
    ...text('ARCHITECTURE.md').matchAll(/^\| (core|knex|kysely|local|rds-iam) \| (\S+) \| (.+) \|$/gm),
  ]
  const wanted = packages.flatMap(({ id, manifest }) =>
    Object.keys(manifest['dependencies'] ?? {})
      .filter((name) => !name.startsWith('@rds-iam/'))
      .map((name) => `${id}: ${name}`),
  )
  expect(rows.map(([, id, name]) => `${id}: ${name}`).toSorted()).toEqual(wanted.toSorted())
})

// When pnpm adds a tool offline, the lock file gets only this machine's binaries.
test('the lock file has the binaries of every system that the workflow runs on', () => {
  const lock = text('pnpm-lock.yaml')
  const names = [...lock.matchAll(/^ {2}'?(@?[^'\s]+?)@[^@\s]+:$/gm)].map(([, name]) => name ?? '')
  const families = new Set(
    names.filter((name) => /linux-x64(-gnu)?$/.test(name)).map((name) => name.replace(/linux-x64.*/, '')),
  )
  expect(families.size).toBeGreaterThan(5)
  for (const family of families)
    for (const system of [/^(darwin|macos)-arm64/, /^(win32|windows)-x64/])
      expect(
        names
          .filter((name) => name.startsWith(family))
          .some((name) => system.test(name.slice(family.length))),
        `${family} ${system}`,
      ).toBe(true)
})
