import type { Address } from '@rds-iam/core/internal'
import { ENGINE_NAMES } from '../../login/engine'
import { failed, skipped, type Cause, type Finding } from '../finding'
import { addressText } from '../../login/options'
import type { Subject } from '../subject'
import { checkCertificate, isRdsName, type CertificateObservation } from './certificate'
import { namedCauses, type ServerError } from './server-error'
import { portClosed, portSilent } from './tcp'

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
