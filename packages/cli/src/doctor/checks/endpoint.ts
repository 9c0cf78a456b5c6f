import { DEFAULT_PORTS, type Address } from '@rds-iam/core/internal'
import { addressText, isDsql, type LoginOptions } from '../../login/options'
import { databaseOf } from '../facts'
import { ok, warning, type Finding } from '../finding'

/** The names of the engines in messages. */
export const ENGINE_NAMES = { postgres: 'PostgreSQL', mysql: 'MySQL' } as const

/** Reports the options. */
export function checkOptions(options: LoginOptions): Finding {
  const { engine, user, dial, endpoint, endpointGiven, ca, variables } = options
  const database = databaseOf(options)
  const parts = [
    `${user} at ${addressText(dial)}`,
    ...(endpointGiven && endpoint ? [`for ${addressText(endpoint)}`] : []),
    ENGINE_NAMES[engine],
    ...(database === undefined ? [] : [`database ${database}`]),
    ...(variables ? [`from ${variables.join(', ')}`] : []),
  ]
  return ok('options', parts.join(', '), ca ? [`trusts the certificates in ${ca.file ?? 'ssl.ca'}`] : [])
}

/** Whether the endpoint to sign for can be the dialled server. */
export function checkEndpoint({ dial, engine }: LoginOptions, endpoint: Address): Finding {
  const signed = addressText(endpoint)
  if (endpoint.host === dial.host && endpoint.port === dial.port)
    return ok('endpoint', `${signed}, as dialled`)
  const sameHost = endpoint.host === dial.host
  // An Aurora DSQL token contains no port.
  if (isDsql(endpoint.host)) return ok('endpoint', `${endpoint.host} behind ${addressText(dial)}`)
  if (!sameHost && endpoint.port === DEFAULT_PORTS[engine])
    return ok('endpoint', `${signed} behind ${addressText(dial)}`)

  const why = sameHost
    ? `the token is for port ${endpoint.port}, and ${dial.port} is dialled`
    : `the token is for port ${endpoint.port}, and ${DEFAULT_PORTS[engine]} is usual`
  const port = sameHost ? dial.port : DEFAULT_PORTS[engine]
  const fix = `--endpoint ${endpoint.host}:${port} with the port that the database itself listens on (in code: iam.endpoint)`
  return warning('endpoint', why, [{ code: 'ENDPOINT_MISMATCH', why, fix }])
}
