import { readFileSync } from 'node:fs'
import { RdsIamError } from '../errors'
import type { ParsedEndpoint } from '../endpoint/parse-endpoint'

/** Certificates in PEM form that are trusted to sign a server's. */
export type TrustedCas = readonly string[]

/** What scripts/authorities.mjs writes at the build: parsing certificates here would cost more than a login. */
interface Authorities {
  regions: Record<string, Authority[]>
  publicRoots: Authority[]
}
interface Authority {
  until: string
  pem: string
}

const cache = new Map<string, TrustedCas>()

/**
 * The CA certificates to trust for an endpoint, and those of NODE_EXTRA_CA_CERTS. An RDS endpoint's certificate is
 * signed by RDS's CAs for its region or, as that of an Aurora "express" cluster, by Amazon's public roots; an RDS
 * Proxy's always by the latter. Returns the same array for the same question.
 *
 * @throws {RdsIamError} `TLS_UNTRUSTED` where RDS's CAs for the region are not known, whatever the public roots sign
 */
export function builtInTrust({ kind }: ParsedEndpoint, region: string): TrustedCas {
  const extraFile = process.env['NODE_EXTRA_CA_CERTS']
  const key = `${kind === 'proxy' || kind === 'other' ? kind : 'rds'} ${region} ${extraFile}`
  const known = cache.get(key)
  if (known) return known

  const { publicRoots, regions } = require('./authorities.json') as Authorities
  const needed = inUse(kind === 'proxy' ? publicRoots : regions[region])
  const extra = extraFile ? readCas(extraFile) : []
  // A corporate CA cannot have signed an RDS certificate, so it does not count here.
  const isKnown = needed.length > 0 || (kind === 'other' ? extra : regionCas(extra, region)).length > 0
  if (!isKnown) {
    throw new RdsIamError(
      'TLS_UNTRUSTED',
      `ssl.ca: no certificate authorities are built in for ${region}: give those in ${bundleUrl(region)}`,
    )
  }
  const cas = [...needed, ...(kind === 'proxy' || kind === 'other' ? [] : inUse(publicRoots)), ...extra]
  cache.set(key, cas)
  return cas
}

/** Where AWS publishes the certificate authorities of a region. */
export function bundleUrl(region: string): string {
  const file = `${region}/${region}-bundle.pem`
  if (region.startsWith('cn-')) return `https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/${file}`
  if (region.startsWith('us-gov-')) return `https://truststore.pki.us-gov-west-1.rds.amazonaws.com/${file}`
  return `https://truststore.pki.rds.amazonaws.com/${file}`
}

function inUse(authorities: readonly Authority[] = []): string[] {
  const now = Date.now()
  return authorities.filter(({ until }) => now < Date.parse(until)).map(({ pem }) => pem)
}

// AWS's CAs are called "Amazon RDS REGION Root CA …"; those of beta and preview have another word first.
function regionCas(cas: readonly string[], region: string): string[] {
  const { X509Certificate } = require('node:crypto') as typeof import('node:crypto')
  return cas.filter((pem) => {
    const { subject, validFrom, validTo } = new X509Certificate(pem)
    const now = Date.now()
    return (
      subject.includes(`Amazon RDS ${region} `) && Date.parse(validFrom) <= now && now < Date.parse(validTo)
    )
  })
}

// Node says at its own start that a file cannot be read, and goes on without it.
function readCas(file: string): string[] {
  try {
    return (
      readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    )
  } catch {
    return []
  }
}
