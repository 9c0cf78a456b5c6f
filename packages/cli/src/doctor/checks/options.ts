import { ENGINE_NAMES } from '../../login/engine'
import { ok, type Finding } from '../finding'
import { addressText } from '../../login/options'
import { databaseOf, type Subject } from '../subject'

/** Says what is going to be checked. */
export function checkOptions(subject: Subject): Finding {
  const { engine, user, dial, endpoint, endpointGiven, ca } = subject
  const database = databaseOf(subject)
  const parts = [
    `${user} at ${addressText(dial)}`,
    ...(endpointGiven && endpoint ? [`for ${addressText(endpoint)}`] : []),
    ENGINE_NAMES[engine],
    ...(database === undefined ? [] : [`database ${database}`]),
  ]
  return ok('options', parts.join(', '), ca ? [`trusts the certificates in ${ca.file}`] : [])
}
