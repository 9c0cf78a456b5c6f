import { parseEndpoint } from '@rds-iam/core'
import { bundleUrl, type Address } from '@rds-iam/core/internal'
import { ENGINE_NAMES } from '../../login/engine'
import { failed, ok, skipped, type Cause, type Finding, type Suspicion } from '../finding'
import { addressText, type Subject } from '../subject'
import { clockSkew } from './clock'
import { namedCauses, type ServerError } from './server-error'
import { portClosed, portSilent } from './tcp'

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

/** What came of asking for TLS. */
export type TlsObservation =
  | CertificateObservation
  | { kind: 'not-offered' }
  | { kind: 'silent' }
  | { kind: 'closed' }
  | { kind: 'other-protocol'; engine?: 'mysql' | 'postgres' }
  | { kind: 'server-error'; error: ServerError }
  | { kind: 'failure'; reason: string }

/** Whether TLS is offered, its chain trusted, and its certificate the endpoint's. */
export function checkTls(subject: Subject, endpoint: Address, observation: TlsObservation): Finding {
  switch (observation.kind) {
    case 'certificate':
      return checkCertificate(subject, endpoint, observation)
    case 'not-offered':
      return failed('tls', {
        code: 'TLS_NOT_OFFERED',
        why: `the ${ENGINE_NAMES[subject.engine]} server offers no TLS, and a token is sent inside TLS only`,
        fix: 'An RDS endpoint always offers it: dial the endpoint, and not a pooler or proxy before it, or turn TLS on there.',
      })
    case 'silent':
      return failed(
        'tls',
        portSilent(`the port is open, and no ${ENGINE_NAMES[subject.engine]} server answers there`),
      )
    case 'closed':
      return failed(
        'tls',
        portClosed(
          `${addressText(subject.dial)} takes connections and closes them at once, as a tunnel with nothing behind it does`,
        ),
      )
    case 'other-protocol':
      return failed('tls', otherProtocol(subject, observation.engine))
    case 'server-error': {
      const [cause = tlsFailed(observation.error.message)] = namedCauses(subject, observation.error)
      return failed('tls', cause)
    }
    case 'failure':
      return failed('tls', tlsFailed(observation.reason))
  }
}

/** What there is to see of a server that is called by a name of somebody's own: its certificate tells RDS's. */
export function checkUnknownTls({ dial }: Subject, observation: TlsObservation): Finding {
  const finding = skipped('tls', 'no RDS endpoint is known to hold the certificate against')
  const found = observation.kind === 'certificate' ? observation.names.find(isRdsName) : undefined
  if (found === undefined) return finding
  const cause: Cause = {
    code: 'ALIAS',
    why: `the certificate at ${dial.host} is for ${found}, and RDS takes only tokens for its own name`,
    fix: `--endpoint ${found}:${dial.port} (in code: iam.endpoint)`,
  }
  return { ...finding, suspicions: [{ ...cause, certainty: 'certain' }] }
}

function checkCertificate(subject: Subject, endpoint: Address, observation: CertificateObservation): Finding {
  const { protocol, names, issuer, root, validTo, chainError, nameError } = observation
  const details = [
    `certificate for ${names.join(', ')}`,
    `signed by ${issuer}, below ${root}`,
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

function isRdsName(name: string): boolean {
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
  return {
    code: 'CA_UNKNOWN',
    why: `the certificate is signed by ${root}, which is not among ${trust} (${error})`,
    fix: isAmazon
      ? `${bundle}rds-iam certificates${known === undefined ? '' : ` --region ${known}`}`
      : `It is no authority of AWS: what answers is not RDS itself. If it is meant to, give its authority: --ca FILE\n` +
        `(in code: ssl.ca).${known === undefined ? '' : ` AWS's own: ${bundleUrl(known)}`}`,
  }
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

function otherProtocol(subject: Subject, engine: 'mysql' | 'postgres' | undefined): Cause {
  const wanted = ENGINE_NAMES[subject.engine]
  if (engine === undefined)
    return {
      code: 'ENGINE_MISMATCH',
      why: `what answers is no ${wanted} server`,
      fix: 'Check --host, --port and --engine.',
    }
  return {
    code: 'ENGINE_MISMATCH',
    why: `a ${ENGINE_NAMES[engine]} server answers, not ${wanted}`,
    fix: `--engine ${engine}`,
  }
}

function tlsFailed(reason: string): Cause {
  return {
    code: 'TLS_FAILED',
    why: `TLS fails: ${reason}`,
    fix: 'Check what stands between: a proxy, a firewall, a pooler.',
  }
}
