import { parseEndpoint } from '@rds-iam/core'
import { bundleUrl, type Address } from '@rds-iam/core/internal'
import { isDsql } from '../../login/options'
import type { RegionFacts } from '../facts'
import { ok, withConfidence, type Cause, type Finding } from '../finding'
import { clockSkew } from './clock'

/** A server's certificate, and Node's verdict on its chain. */
export interface CertificateObservation {
  kind: 'certificate'
  protocol: string
  /** The host names and IP addresses in it. */
  names: readonly string[]
  /** The CA that signed it. */
  issuer: string
  /** The issuer of the last certificate that the server sent. */
  root: string
  validFrom: string
  validTo: string
  /** Node's code if the chain is not trusted. */
  chainError?: string | undefined
  /** Set if it is not for the endpoint. */
  nameError?: string | undefined
  /** Whether it is for the dialled host. */
  coversDialled: boolean
}

/** Whether the chain of a certificate is trusted, and whether it is for the endpoint. */
export function checkCertificate(
  facts: RegionFacts,
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
  const signed = facts.signedRegion
  const elsewhere = region !== undefined && signed !== undefined && region !== signed
  const otherRegion = {
    code: 'REGION_MISMATCH',
    why: `the certificate is from ${region}, and the token is signed for ${signed}`,
    fix: `--region ${region} (in code: iam.region)`,
  } as const
  if (chainError !== undefined && elsewhere && !facts.ca) causes.push(otherRegion)
  if (chainError !== undefined) causes.push(chainCause(facts, observation, chainError))
  if (nameError !== undefined) causes.push(nameCause(facts, endpoint, observation))
  const [first] = causes
  if (first) {
    const seen = causes.map(({ why }) => why).join('; ')
    return { check: 'tls', status: 'failed', seen, details, candidates: withConfidence('certain', causes) }
  }
  const finding = ok('tls', `${protocol}, chain and name verified`, details)
  return elsewhere ? { ...finding, candidates: withConfidence('possible', [otherRegion]) } : finding
}

/** The region in the names of RDS's CAs. */
export function regionOfCertificate({ root, issuer }: CertificateObservation): string | undefined {
  return regionIn(root) ?? regionIn(issuer)
}

/** Whether a name is that of an RDS endpoint. */
export function isRdsName(name: string): boolean {
  return parseEndpoint(name).kind !== 'other'
}

function regionIn(ca: string): string | undefined {
  return /Amazon RDS ([a-z]{2,}(?:-[a-z]+)+-\d) /.exec(ca)?.[1]
}

function chainCause(
  { ca, endpoint, signedRegion }: RegionFacts,
  observation: CertificateObservation,
  error: string,
): Cause {
  const { issuer, root, validFrom, validTo } = observation
  if (error === 'CERT_NOT_YET_VALID')
    return clockSkew(
      `by this machine's clock, a certificate is not valid yet (the server's: from ${validFrom})`,
    )
  if (error === 'CERT_HAS_EXPIRED') {
    const fix =
      'Renew the certificate (console: Modify, Certificate authority), and restart if the console asks for it.'
    return { code: 'TLS_FAILED', why: `a certificate of the server has expired (its own: ${validTo})`, fix }
  }
  const region = regionOfCertificate(observation)
  const isAmazon = region !== undefined || /Amazon/.test(`${root} ${issuer}`)
  const trust = ca ? `the CA certificates in ${ca.file}` : 'the built-in CA certificates'
  // RDS's CA bundles do not contain the CAs of Aurora DSQL.
  const known = endpoint && isDsql(endpoint.host) ? undefined : (region ?? signedRegion)
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
      : `It is not a CA of AWS, so the server is not AWS's own. If that is intended, give its CA: --ca FILE\n` +
        `(in code: ssl.ca).${known === undefined ? '' : ` AWS's own: ${bundleUrl(known)}`}`,
  }
}

// RDS Proxies and Aurora "express" clusters have certificates from Amazon's public roots, which no RDS bundle contains.
function publicRootFix(ca: RegionFacts['ca'], region: string | undefined): string {
  if (ca)
    return 'Leave out --ca (in code: ssl.ca): the public roots of Amazon are built in, and no RDS bundle contains them.'
  return (
    'The public roots of Amazon are trusted for an RDS endpoint in a region whose own CAs are known. Name the endpoint\n' +
    `by --endpoint, or make the CAs known: rds-iam certificates${region === undefined ? '' : ` --region ${region}`}, ` +
    'then NODE_EXTRA_CA_CERTS=FILE'
  )
}

function nameCause({ dial }: RegionFacts, endpoint: Address, observation: CertificateObservation): Cause {
  const { names, coversDialled } = observation
  const why = `the certificate is for ${names.join(', ')}, not for ${endpoint.host}`
  const rdsName = names.find(isRdsName)
  const isOtherEndpoint = endpoint.host !== dial.host && (coversDialled || rdsName !== undefined)
  const suggestion = rdsName ?? (coversDialled ? dial.host : undefined)
  if (isOtherEndpoint) {
    const fix = `--endpoint ${suggestion}:${endpoint.port} if that is the database you mean (in code: iam.endpoint)`
    return { code: 'ENDPOINT_MISMATCH', why, fix }
  }
  return {
    code: 'CERTIFICATE_NAME',
    why,
    fix: suggestion
      ? `--endpoint ${suggestion}:${endpoint.port} if that is the database you mean (in code: iam.endpoint)`
      : 'The server is not this endpoint: check the address of the name, and which tunnel or proxy listens there.',
  }
}
