import { readFileSync } from 'node:fs'
import { RdsIamError } from '../errors'
import type { ParsedEndpoint } from '../endpoint/parse-endpoint'

/** Trusted CA certificates, in PEM. */
export type CaCertificates = readonly string[]

/** The file that the build writes (scripts/ca-certificates.mjs). */
interface CaCertificatesFile {
  dictionary: string
  regions: Record<string, PackedCas>
  publicRoots: PackedCas
}
/** CA certificates in DER, one after the other, compressed. Parsing them to read their expiry would cost more than a login. */
interface PackedCas {
  expiresAt: string[]
  deflated: string
}

const cache = new Map<string, CaCertificates>()

/**
 * The CA certificates to trust for an endpoint, including those in NODE_EXTRA_CA_CERTS. The RDS CAs of the region sign
 * an endpoint's certificate. Amazon's public roots sign the certificates of Aurora "express" clusters, of Aurora DSQL
 * and of RDS Proxy. Returns the same array for the same arguments.
 *
 * @throws {RdsIamError} `TLS_UNTRUSTED` if the RDS CAs of the region are not known, even if a public root could sign
 */
export function builtInCas({ kind }: ParsedEndpoint, region: string): CaCertificates {
  const extraFile = process.env['NODE_EXTRA_CA_CERTS']
  const isPublic = kind === 'proxy' || kind === 'dsql'
  const key = `${isPublic ? 'public' : kind === 'other' ? kind : 'rds'} ${region} ${extraFile}`
  const known = cache.get(key)
  if (known) return known

  const file = require('./ca-certificates.json') as CaCertificatesFile
  const needed = unexpired(file, isPublic ? file.publicRoots : file.regions[region])
  const extra = extraFile ? readCas(extraFile) : []
  // A corporate CA cannot have signed an RDS certificate, so it does not count here.
  const isKnown = needed.length > 0 || (kind === 'other' ? extra : regionCas(extra, region)).length > 0
  if (!isKnown) {
    throw new RdsIamError(
      'TLS_UNTRUSTED',
      `ssl.ca: no CA certificates are built in for ${region}: give those in ${bundleUrl(region)}`,
    )
  }
  const cas = [
    ...needed,
    ...(isPublic || kind === 'other' ? [] : unexpired(file, file.publicRoots)),
    ...extra,
  ]
  cache.set(key, cas)
  return cas
}

/** The URL where AWS publishes the CA certificates of a region. */
export function bundleUrl(region: string): string {
  const file = `${region}/${region}-bundle.pem`
  if (region.startsWith('cn-')) return `https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/${file}`
  if (region.startsWith('us-gov-')) return `https://truststore.pki.us-gov-west-1.rds.amazonaws.com/${file}`
  return `https://truststore.pki.rds.amazonaws.com/${file}`
}

function unexpired({ dictionary }: CaCertificatesFile, packed: PackedCas | undefined): string[] {
  if (!packed) return []
  const { inflateRawSync } = require('node:zlib') as typeof import('node:zlib')
  let der = inflateRawSync(Buffer.from(packed.deflated, 'base64'), {
    dictionary: Buffer.from(dictionary, 'base64'),
  })
  const now = Date.now()
  return packed.expiresAt.flatMap((expiry) => {
    // Four bytes say that a sequence follows, and its length.
    const end = 4 + der.readUInt16BE(2)
    const certificate = der.subarray(0, end)
    der = der.subarray(end)
    return now < Date.parse(expiry) ? [toPem(certificate)] : []
  })
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

// AWS's CAs are named "Amazon RDS REGION Root CA …". The names of beta and preview CAs have a word before the region.
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

// As Node does, ignore a file that cannot be read. Node prints a warning when the process starts.
function readCas(file: string): string[] {
  try {
    return (
      readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    )
  } catch {
    return []
  }
}
