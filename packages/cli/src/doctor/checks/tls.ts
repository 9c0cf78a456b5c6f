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
  switch (observation.kind) {
    case 'certificate':
      return checkCertificate(facts, endpoint, observation)
    case 'not-offered':
      return failed('tls', {
        code: 'TLS_NOT_OFFERED',
        why: `the ${ENGINE_NAMES[facts.engine]} server does not offer TLS, and a token is sent only inside TLS`,
        fix: 'An RDS endpoint always offers TLS: dial the endpoint and not a pooler or proxy before it, or turn on TLS there.',
      })
    case 'silent':
      return failed(
        'tls',
        portSilent(`the port is open, but no ${ENGINE_NAMES[facts.engine]} server answers`),
      )
    case 'closed':
      return failed(
        'tls',
        portClosed(
          `${addressText(facts.dial)} accepts connections and closes them at once, like a tunnel with nothing behind it`,
        ),
      )
    case 'other-protocol':
      return failed('tls', otherProtocol(facts, observation.engine))
    case 'server-error': {
      const [cause = tlsFailed(observation.error.message)] = namedCauses(facts, observation.error)
      return failed('tls', cause)
    }
    case 'failure':
      return failed('tls', tlsFailed(observation.reason))
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

function otherProtocol(facts: RegionFacts, engine: 'mysql' | 'postgres' | undefined): Cause {
  const wanted = ENGINE_NAMES[facts.engine]
  if (engine === undefined)
    return {
      code: 'ENGINE_MISMATCH',
      why: `the server that answers is not ${wanted}`,
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
    fix: 'Check what is in between: a proxy, a firewall, a pooler.',
  }
}
