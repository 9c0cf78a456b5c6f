import { builtInCas, bundleUrl } from '@rds-iam/core/internal'
import { UsageError } from '../errors'
import { reasonOf, textOf } from '../http'
import { parseCertificate, splitPem } from '../login/options'
import { writeWhole } from './write-whole'

/** What a bundle of CA certificates contains. */
interface Bundle {
  certificates: number
  /** How many of them have expired. */
  expired: number
  /** The regions of the CAs. */
  regions: string[]
}

const LIMIT_MS = 30_000
const LONGEST = 10_000_000
const STANDARD_OUTPUT = '-'
const GLOBAL_BUNDLE = 'https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem'
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** Runs `rds-iam certificates`. */
export async function runCertificates(given: {
  region?: string
  out?: string
  from?: string
  json?: true
}): Promise<number> {
  const { region } = given
  if (region !== undefined && !/^[a-z0-9]+(?:-[a-z0-9]+)+$/.test(region))
    throw new UsageError("--region: give an AWS region's name, such as us-east-1")
  const url = sourceUrl(region, given.from)
  const file = given.out ?? `${region ?? 'global'}-bundle.pem`
  const pem = await download(url)
  const bundle = readBundle(pem, new Date(), url.href)
  if (region !== undefined && bundle.regions.length > 0 && !bundle.regions.includes(region))
    throw new Error(`${url.href} has certificates for ${bundle.regions.join(', ')}, and none for ${region}`)
  const missing = bundle.regions.filter((name) => !isBuiltIn(name))
  const report = given.json
    ? `${JSON.stringify({ file, from: url.href, ...bundle, missing }, undefined, 2)}\n`
    : asText(file, url, bundle, missing)
  if (file === STANDARD_OUTPUT) {
    process.stdout.write(pem)
    process.stderr.write(report)
  } else {
    writeWhole(file, pem)
    process.stdout.write(report)
  }
  return 0
}

function sourceUrl(region: string | undefined, from: string | undefined): URL {
  const address = from ?? (region === undefined ? GLOBAL_BUNDLE : bundleUrl(region))
  const url = URL.canParse(address) ? new URL(address) : undefined
  // Not http: a network could replace the CAs, and so decide which servers are trusted.
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.includes(url.hostname))
  if (!url || !isSafe) throw new UsageError('--from: give an https URL')
  return url
}

async function download(url: URL): Promise<string> {
  const signal = AbortSignal.timeout(LIMIT_MS)
  try {
    const response = await fetch(url, { signal, redirect: 'manual' })
    if (response.status !== 200) throw new Error(`HTTP ${response.status}`)
    return await textOf(response, LONGEST)
  } catch (cause) {
    const reason = signal.aborted ? `no answer within ${LIMIT_MS / 1_000} s` : reasonOf(cause)
    throw new Error(`${url.href} cannot be downloaded: ${reason}`, { cause })
  }
}

/**
 * Reads a bundle that was downloaded from `source`.
 *
 * @throws {Error} if there is no certificate, or one does not parse.
 */
function readBundle(pem: string, now: Date, source: string): Bundle {
  // A bundle may contain comments, and may be printed on a terminal.
  if (/[^\t\r\n\u0020-\u007e]/.test(pem)) throw new Error(`${source} is not plain text`)
  const blocks = splitPem(pem)
  const begun = pem.split('-----BEGIN CERTIFICATE-----').length - 1
  if (blocks.length === 0) throw new Error(`${source} contains no certificate`)
  if (blocks.length < begun) throw new Error(`${source} is truncated: a certificate has no end`)
  const regions = new Set<string>()
  let expired = 0
  for (const [index, block] of blocks.entries()) {
    const certificate = parseCertificate(block)
    if (!certificate) throw new Error(`certificate ${index + 1} of ${source} cannot be read`)
    if (Date.parse(certificate.validTo) <= now.getTime()) expired++
    const region = /CN=Amazon RDS ([a-z]{2,}(?:-[a-z]+)+-\d) /.exec(certificate.subject)?.[1]
    if (region !== undefined) regions.add(region)
  }
  return { certificates: blocks.length, expired, regions: [...regions].toSorted() }
}

function isBuiltIn(region: string): boolean {
  try {
    return builtInCas({ host: '', kind: 'instance' }, region).length > 0
  } catch {
    return false
  }
}

function asText(file: string, url: URL, bundle: Bundle, missing: string[]): string {
  const { certificates, expired, regions } = bundle
  const [name, option] = file === STANDARD_OUTPUT ? ['standard output', 'FILE'] : [file, file]
  const builtIn =
    missing.length > 0
      ? `Not built in: ${missing.join(', ')} (use --ca ${option}; in code: ssl.ca)`
      : 'All of these regions are built in.'
  return (
    `${name}: ${certificates} certificates (${expired} expired) for ${regions.length} regions, from ${url.href}\n` +
    `${builtIn}\n`
  )
}
