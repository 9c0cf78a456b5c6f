import { DEFAULT_PORTS } from '../../login/engine'
import { ok, type Finding } from '../finding'
import { addressText } from '../../login/options'
import type { Subject } from '../subject'
import type { Address } from '@rds-iam/core/internal'

/** Whether the endpoint that is signed for can be the one that is dialled. */
export function checkEndpoint({ dial, engine }: Subject, endpoint: Address): Finding {
  const signed = addressText(endpoint)
  if (endpoint.host === dial.host && endpoint.port === dial.port)
    return ok('endpoint', `${signed}, as dialled`)
  const sameHost = endpoint.host === dial.host
  if (!sameHost && endpoint.port === DEFAULT_PORTS[engine])
    return ok('endpoint', `${signed} behind ${addressText(dial)}`)

  const why = sameHost
    ? `the token is for port ${endpoint.port}, and ${dial.port} is dialled`
    : `the token is for port ${endpoint.port}, and ${DEFAULT_PORTS[engine]} is usual`
  const port = sameHost ? dial.port : DEFAULT_PORTS[engine]
  return {
    check: 'endpoint',
    status: 'warning',
    seen: why,
    suspicions: [
      {
        code: 'ENDPOINT_MISMATCH',
        certainty: 'possible',
        why,
        fix: `--endpoint ${endpoint.host}:${port} with the port that the database itself listens on (in code: iam.endpoint)`,
      },
    ],
  }
}
