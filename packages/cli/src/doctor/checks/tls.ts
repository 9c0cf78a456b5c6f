import type { Address } from '@rds-iam/core/internal'
import { addressText } from '../../login/options'
import type { RegionFacts } from '../facts'
import { failed, skipped, withConfidence, type Cause, type Finding } from '../finding'
import { checkCertificate, isRdsName, type CertificateObservation } from './certificate'
import { ENGINE_NAMES } from './endpoint'
import { namedCauses, type ServerError } from './server-error'
import { portClosed, portSilent } from './tcp'

/** The result of a request for TLS. */
export type TlsObservation =
  | CertificateObservation
  | { kind: 'not-offered' }
  | { kind: 'silent' }
  | { kind: 'closed' }
  | { kind: 'other-protocol'; engine?: 'mysql' | 'postgres' }
  | { kind: 'server-error'; error: ServerError }
  | { kind: 'failure'; reason: string }

/** Whether the server offers TLS, with a trusted certificate for the endpoint. */
export function checkTls(facts: RegionFacts, endpoint: Address, observation: TlsObservation): Finding {
  return observation.kind === 'certificate'
    ? checkCertificate(facts, endpoint, observation)
    : failed('tls', causeOf(facts, observation))
}

function causeOf(facts: RegionFacts, observation: Exclude<TlsObservation, CertificateObservation>): Cause {
  const engine = ENGINE_NAMES[facts.engine]
  switch (observation.kind) {
    case 'not-offered':
      return {
        code: 'TLS_NOT_OFFERED',
        why: `the ${engine} server does not offer TLS, and a token is sent only inside TLS`,
        fix: 'An RDS endpoint always offers TLS: dial the endpoint and not a pooler or proxy before it, or turn on TLS there.',
      }
    case 'silent':
      return portSilent(`the port is open, but no ${engine} server answers`)
    case 'closed':
      return portClosed(
        `${addressText(facts.dial)} accepts connections and closes them at once, like a tunnel with nothing behind it`,
      )
    case 'other-protocol':
      return otherProtocol(engine, observation.engine)
    case 'server-error': {
      const [cause = tlsFailed(observation.error.message)] = namedCauses(facts, observation.error)
      return cause
    }
    case 'failure':
      return tlsFailed(observation.reason)
  }
}

/** What the certificate tells about a server whose RDS endpoint is unknown. */
export function checkUnknownTls({ dial }: Pick<RegionFacts, 'dial'>, observation: TlsObservation): Finding {
  const finding = skipped('tls', 'no RDS endpoint is known to verify the certificate for')
  const found = observation.kind === 'certificate' ? observation.names.find(isRdsName) : undefined
  if (found === undefined) return finding
  const cause: Cause = {
    code: 'ALIAS',
    why: `the certificate at ${dial.host} is for ${found}, and RDS accepts only tokens for its own name`,
    fix: `--endpoint ${found}:${dial.port} (in code: iam.endpoint)`,
  }
  return { ...finding, candidates: withConfidence('certain', [cause]) }
}

function otherProtocol(wanted: string, engine: 'mysql' | 'postgres' | undefined): Cause {
  const code = 'ENGINE_MISMATCH'
  if (engine)
    return { code, why: `a ${ENGINE_NAMES[engine]} server answers, not ${wanted}`, fix: `--engine ${engine}` }
  return { code, why: `the server that answers is not ${wanted}`, fix: 'Check --host, --port and --engine.' }
}

function tlsFailed(reason: string): Cause {
  return {
    code: 'TLS_FAILED',
    why: `TLS fails: ${reason}`,
    fix: 'Check what is in between: a proxy, a firewall, a pooler.',
  }
}
