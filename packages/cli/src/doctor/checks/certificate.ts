import { parseEndpoint } from '@rds-iam/core'
import { bundleUrl, type Address } from '@rds-iam/core/internal'
import { ok, type Cause, type Finding, type Suspicion } from '../finding'
import type { Subject } from '../subject'
import { clockSkew } from './clock'

/** A server's certificate and what Node says about its chain. */
export interface CertificateObservation {
  kind: 'certificate'
  protocol: string
  /** The host names and addresses that it is for. */
  names: readonly string[]
  /** Who signed it. */
  issuer: string
  /** The authority at the end of what the server sent: its own name, or that of who signed it. */
  root: string
  validFrom: string
  validTo: string
  /** Why the chain is not trusted: Node's code. */
  chainError?: string
  /** Why the name is not the endpoint's. */
  nameError?: string
  /** Whether it is for the dialled host. */
  coversDialled: boolean
}

/** Whether the chain of a certificate is trusted, and its name the endpoint's. */
export function checkCertificate(
  subject: Subject,
  endpoint: Address,
  observation: CertificateObservation,
): Finding {
  const { protocol, names, issuer, root, validTo, chainError, nameError } = observation
  const details = [
    `certificate for ${names.join(', ')}`,
    `signed by ${issuer}${root === issuer ? '' : `, below ${root}`}`,
    `until ${validTo}`,
  ]
  const causes: Cause[] = []
  const region = regionOfCertificate(observation)
  const signed = subject.signedRegion
  const elsewhere = region !== undefined && signed !== undefined && region !== signed
  const otherRegion = {
    code: 'REGION_MISMATCH',
    why: `the certificate is of ${region}, and the token is signed for ${signed}`,
    fix: `--region ${region} (in code: iam.region)`,
  } as const
  if (chainError !== undefined && elsewhere && !subject.ca) causes.push(otherRegion)
  if (chainError !== undefined) causes.push(chainCause(subject, observation, chainError))
  if (nameError !== undefined) causes.push(nameCause(subject, endpoint, observation))
  const [first] = causes
  if (first) {
    const suspicions = causes.map((cause): Suspicion => ({ ...cause, certainty: 'certain' }))
    return {
      check: 'tls',
      status: 'failed',
      seen: causes.map(({ why }) => why).join('; '),
      details,
      suspicions,
    }
  }
  const finding = ok('tls', `${protocol}, chain and name verified`, details)
  return elsewhere ? { ...finding, suspicions: [{ ...otherRegion, certainty: 'possible' }] } : finding
}

/** The region that the names of RDS's authorities hold. */
export function regionOfCertificate({ root, issuer }: CertificateObservation): string | undefined {
  return regionIn(root) ?? regionIn(issuer)
}

/** Whether a name is one that RDS gives. */
export function isRdsName(name: string): boolean {
  return parseEndpoint(name).kind !== 'other'
}

function regionIn(authority: string): string | undefined {
  return /Amazon RDS ([a-z]{2,}(?:-[a-z]+)+-\d) /.exec(authority)?.[1]
}

function chainCause(
  { ca, signedRegion }: Subject,
  observation: CertificateObservation,
  error: string,
): Cause {
  const { issuer, root, validFrom, validTo } = observation
  if (error === 'CERT_NOT_YET_VALID')
    return clockSkew(
      `by this machine's clock a certificate is not good yet (the server's: from ${validFrom})`,
    )
  if (error === 'CERT_HAS_EXPIRED') {
    const fix =
      'Renew the certificate: console, Modify, Certificate authority; then restart where it asks for that.'
    return { code: 'TLS_FAILED', why: `a certificate of the server has ended (its own: ${validTo})`, fix }
  }
  const region = regionOfCertificate(observation)
  const isAmazon = region !== undefined || /Amazon/.test(`${root} ${issuer}`)
  const trust = ca ? `the authorities in ${ca.file}` : 'the built-in authorities'
  const known = region ?? signedRegion
  const bundle =
    known === undefined ? '' : `curl -O ${bundleUrl(known)}\nthen --ca FILE (in code: ssl.ca), or: `
  const why = `the certificate is signed by ${root}, which is not among ${trust} (${error})`
  if (/^(Amazon Root CA|Starfield Services Root) /.test(root))
    return { code: 'CA_UNKNOWN', why, fix: publicRootFix(ca, known) }
  return {
    code: 'CA_UNKNOWN',
    why,
    fix: isAmazon
      ? `${bundle}rds-iam certificates${known === undefined ? '' : ` --region ${known}`}`
      : `It is no authority of AWS: what answers is not RDS itself. If it is meant to, give its authority: --ca FILE\n` +
        `(in code: ssl.ca).${known === undefined ? '' : ` AWS's own: ${bundleUrl(known)}`}`,
  }
}

// RDS Proxies and Aurora "express" clusters have certificates from Amazon's public roots, which AWS's bundles lack.
function publicRootFix(ca: Subject['ca'], region: string | undefined): string {
  if (ca)
    return 'Leave --ca out (in code: ssl.ca): the public roots of Amazon are built in, and no RDS bundle has them.'
  return (
    'The public roots of Amazon are trusted for an RDS endpoint in a region whose own CAs are known. Name the endpoint\n' +
    `by --endpoint, or make the CAs known: rds-iam certificates${region === undefined ? '' : ` --region ${region}`}, ` +
    'then NODE_EXTRA_CA_CERTS=FILE'
  )
}

function nameCause(subject: Subject, endpoint: Address, observation: CertificateObservation): Cause {
  const { names, coversDialled } = observation
  const why = `the certificate is for ${names.join(', ')}, and not for ${endpoint.host}`
  const rdsName = names.find(isRdsName)
  const isOtherEndpoint = endpoint.host !== subject.dial.host && (coversDialled || rdsName !== undefined)
  const suggestion = rdsName ?? (coversDialled ? subject.dial.host : undefined)
  if (isOtherEndpoint) {
    const fix = `--endpoint ${suggestion}:${endpoint.port} if that is the database you mean (in code: iam.endpoint)`
    return { code: 'ENDPOINT_MISMATCH', why, fix }
  }
  return {
    code: 'CERTIFICATE_NAME',
    why,
    fix: suggestion
      ? `--endpoint ${suggestion}:${endpoint.port} if that is the database you mean (in code: iam.endpoint)`
      : 'What answers is not this endpoint: check where the name leads, and what tunnel or proxy listens there.',
  }
}
