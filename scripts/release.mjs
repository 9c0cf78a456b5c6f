// Builds the tarballs of a release and tags it: `npm run release -- [--dry-run] [--out FOLDER]`. See CONTRIBUTING.md.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { pack, publishedPackages, root } from './packages.mjs'

const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean' }, out: { type: 'string' } } })
const packages = publishedPackages()
const version = packages[0]?.manifest['version']
const tag = `v${version}`

const faults = [...treeFaults(), ...manifestFaults(), ...changelogFaults(), ...tagFaults()]
if (faults.length > 0) {
  for (const fault of faults) console.error(`✗ ${fault}`)
  process.exit(1)
}
console.log(`✓ ${tag}: the tree is clean, versions, changelog and tag agree`)

const folder = mkdtempSync(join(tmpdir(), 'rds-iam-release-'))
try {
  const [one, other] = ['one', 'other'].map((name) => buildAndPack(join(folder, name)))
  const different = packages.filter(
    ({ tarball }) => sha512(join(one, tarball)) !== sha512(join(other, tarball)),
  )
  if (different.length > 0)
    throw new Error(`two builds differ in ${different.map(({ name }) => name).join(', ')}`)
  console.log('✓ two builds from clean are equal, byte for byte')
  for (const { tarball } of packages) {
    const file = join(one, tarball)
    console.log(`${sha512(file)}  ${tarball}  ${readFileSync(file).length} bytes`)
    if (values.out) {
      mkdirSync(resolve(values.out), { recursive: true })
      copyFileSync(file, join(resolve(values.out), tarball))
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (!values['dry-run'] && !tagged()) {
  git('tag', '--annotate', tag, '--message', tag)
  console.log(`Tagged. To publish: git push origin ${tag}`)
}

function treeFaults() {
  const changed = git('status', '--porcelain')
  return changed === '' ? [] : [`the tree is not clean:\n${changed}`]
}

function manifestFaults() {
  return packages.flatMap(({ name, manifest }) => {
    const given = Object.entries(manifest.dependencies ?? {}).filter(([other]) =>
      packages.some((one) => one.name === other),
    )
    return [
      ...(manifest.version === version ? [] : [`${name} has version ${manifest.version}, not ${version}`]),
      ...given.flatMap(([other, range]) =>
        range.startsWith('workspace:') ? [] : [`${name} takes ${other} by ${range}, not by workspace:`],
      ),
    ]
  })
}

function changelogFaults() {
  const heading = `## [${version}] - `
  const line = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
    .split('\n')
    .find((one) => one.startsWith(heading))
  if (line === undefined) return [`CHANGELOG.md has no section "${heading}YYYY-MM-DD"`]
  const dated = /^\d{4}-\d\d-\d\d$/.test(line.slice(heading.length))
  // A dry run before the release may have no date.
  return dated || (values['dry-run'] && !tagged()) ? [] : [`CHANGELOG.md has no date in "${line}"`]
}

function tagFaults() {
  const commit = tagged()
  return commit && commit !== git('rev-parse', 'HEAD') ? [`the tag ${tag} exists, at another commit`] : []
}

/** The commit of the tag; empty if the tag does not exist. */
function tagged() {
  return git('tag', '--list', tag) && git('rev-parse', `${tag}^{commit}`)
}

/** Builds and packs a fresh clone of HEAD. Returns the folder with the tarballs. */
function buildAndPack(checkout) {
  git('clone', '--quiet', '--no-hardlinks', root, checkout)
  git('-C', checkout, 'checkout', '--quiet', '--detach', git('rev-parse', 'HEAD'))
  const { status } = spawnSync(process.execPath, ['scripts/setup.mjs', '--packages'], {
    cwd: checkout,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) throw new Error('a fresh checkout does not build')
  const tarballs = `${checkout}-tarballs`
  pack(tarballs, checkout)
  return tarballs
}

function git(...args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
}

function sha512(file) {
  return createHash('sha512').update(readFileSync(file)).digest('hex')
}
