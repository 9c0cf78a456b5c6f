import { number, object } from '../checks'
import type { CredentialEndpoints } from '../credential-endpoints/credential-endpoints'
import {
  checkFault,
  checkSource,
  type CredentialFault,
  type CredentialSource,
} from '../credential-endpoints/fault'
import { parse } from './json-values'

/** The state of the credential endpoints as JSON shows it: a source that is well has the fault null. */
export function presentCredentials({ url, lifetimeMs, faults, requests }: CredentialEndpoints) {
  const shown = Object.entries(faults).map(([source, fault]) => [source, fault ?? null])
  return { url, lifetimeMs, faults: Object.fromEntries(shown) as unknown, requests }
}

/**
 * Changes the lifetime and the faults as a text in JSON says.
 *
 * @throws {TypeError} with the name of the value that is wrong; nothing has changed then.
 */
export function changeCredentials(endpoints: CredentialEndpoints, text: string): void {
  let lifetimeMs: number | undefined
  const faults: [CredentialSource, CredentialFault | undefined][] = []
  for (const [name, value] of Object.entries(object('the body', parse(text)))) {
    if (name === 'lifetimeMs') lifetimeMs = number(name, value)
    else if (name === 'faults')
      for (const [source, fault] of Object.entries(object(name, value)))
        faults.push([checkSource(source), fault === null ? undefined : checkFault(fault)])
    else throw new TypeError(`${name} is unknown`)
  }
  if (lifetimeMs !== undefined) endpoints.setLifetime(lifetimeMs)
  for (const [source, fault] of faults) endpoints.setFault(source, fault)
}
