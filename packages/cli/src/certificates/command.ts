import { X509Certificate } from 'node:crypto'
import { builtInTrust, bundleUrl } from '@rds-iam/core/internal'
import type { Values } from '../commands'
import { download } from './download'
import { splitPem } from '../login/options'
import { noWords, UsageError } from '../usage-error'
import { writeWhole } from './write-whole'

/** What a bundle of certificate authorities holds. */
export interface Bundle {
  certificates: number
  /** How many of them have ended. */
  expired: number
  /** The regions that they are for. */
  regions: string[]
}

const STANDARD_OUTPUT = '-'
const EVERYWHERE = 'https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem'

/** Runs `rds-iam certificates`. */
export async function runCertificates(values: Values, words: readonly string[]): Promise<number> {
  noWords(words)
  const region = values['region'] as string | undefined
  if (region !== undefined && !/^[a-z0-9]+(?:-[a-z0-9]+)+$/.test(region))
    throw new UsageError("--region: give an AWS region's name, such as us-east-1")
  const url = addressOf(region, values['from'] as string | undefined)
  const file = (values['out'] as string | undefined) ?? fileName(region)
  const pem = await download(url)
  const bundle = readBundle(pem, new Date(), url.href)
  if (region !== undefined && bundle.regions.length > 0 && !bundle.regions.includes(region))
    throw new Error(`${url.href} has certificates for ${bundle.regions.join(', ')}, and none for ${region}`)
  const missing = bundle.regions.filter((name) => !isBuiltIn(name))
  const report = values['json'] ? asJson(file, url, bundle, missing) : asText(file, url, bundle, missing)
  // Where the bundle takes the place of the report, that goes beside it.
  if (file === STANDARD_OUTPUT) {
    process.stdout.write(pem)
    process.stderr.write(report)
  } else {
    writeWhole(file, pem)
    process.stdout.write(report)
  }
  return 0
}

function addressOf(region: string | undefined, from: string | undefined): URL {
  const address = from ?? (region === undefined ? EVERYWHERE : bundleUrl(region))
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (!url || !['https:', 'http:'].includes(url.protocol)) throw new UsageError('--from: give an https URL')
  // Whom to trust cannot come from whoever happens to stand on the way.
  if (url.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname))
    throw new UsageError('--from: give an https URL: what it holds decides whom you trust')
  return url
}

function fileName(region: string | undefined): string {
  return region === undefined ? 'global-bundle.pem' : `${region}-bundle.pem`
}

/**
 * Reads a bundle; `source` is named where it is none.
 *
 * @throws {Error} where a certificate does not parse, or there is none.
 */
export function readBundle(pem: string, now: Date, source: string): Bundle {
  // Bundles may hold remarks between the certificates; they may go to a terminal.
  if (/[^\t\r\n\u0020-\u007e]/.test(pem)) throw new Error(`what ${source} gives is not plain text`)
  const blocks = splitPem(pem)
  const begun = pem.split('-----BEGIN CERTIFICATE-----').length - 1
  if (blocks.length === 0) throw new Error(`what ${source} gives holds no certificate`)
  if (blocks.length < begun) throw new Error(`what ${source} gives is cut off: a certificate has no end`)
  const regions = new Set<string>()
  let expired = 0
  for (const [index, block] of blocks.entries()) {
    const certificate = parse(block, `certificate ${index + 1} of ${source} cannot be read`)
    if (Date.parse(certificate.validTo) <= now.getTime()) expired++
    const region = /CN=Amazon RDS ([a-z]{2,}(?:-[a-z]+)+-\d) /.exec(certificate.subject)?.[1]
    if (region !== undefined) regions.add(region)
  }
  return { certificates: blocks.length, expired, regions: [...regions].toSorted() }
}

function parse(block: string, message: string): X509Certificate {
  try {
    return new X509Certificate(block)
  } catch (cause) {
    throw new Error(message, { cause })
  }
}

function isBuiltIn(region: string): boolean {
  try {
    return builtInTrust({ host: '', kind: 'instance' }, region).length > 0
  } catch {
    return false
  }
}

function asJson(file: string, url: URL, bundle: Bundle, missing: string[]): string {
  return `${JSON.stringify({ file, from: url.href, ...bundle, missing }, undefined, 2)}\n`
}

function asText(file: string, url: URL, bundle: Bundle, missing: string[]): string {
  const { certificates, expired, regions } = bundle
  const isWritten = file !== STANDARD_OUTPUT
  const lines = [
    `${isWritten ? file : 'standard output'}: ${certificates} certificates (${expired} expired) for ${regions.length} regions, from ${url.href}`,
    missing.length > 0
      ? `Not built in: ${missing.join(', ')} (there: --ca ${isWritten ? file : 'FILE'}; in code: ssl.ca)`
      : 'The built-in set has them all.',
  ]
  return `${lines.join('\n')}\n`
}
