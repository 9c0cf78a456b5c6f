import type { ConnectionOptions } from 'node:tls'
import type { Login } from '../login/login'
import { createSecureContexts } from '../tls/secure-context'
import { hideSecrets, secretsOf } from '../tls/ssl-option'
import { checkCertificate } from '../tls/verify'

/**
 * The `ssl` option of a pg configuration. It also works in a library that connects without our `stream`. The CA
 * certificates are read once, when they are needed.
 */
export function createSsl(login: Login, host: string): ConnectionOptions {
  const { ssl } = login
  const cas = () => login.configuredCas(host)
  const made: ConnectionOptions = {
    get ca() {
      return [...cas()]
    },
    ...ssl,
    rejectUnauthorized: true,
    checkServerIdentity: (dialled, certificate) =>
      checkCertificate(login.endpointHost(dialled), certificate, ssl.checkServerIdentity),
  }
  if (Object.keys(secretsOf(ssl)).length > 0) {
    // With the caller's own `stream`, pg copies the enumerable properties and `key`, but not `pfx` and `passphrase`:
    // pass these in a secure context.
    const contexts = createSecureContexts(ssl)
    Object.defineProperty(made, 'secureContext', {
      get: () => contexts(ssl.ca ? undefined : cas()),
      enumerable: true,
      configurable: true,
    })
  }
  return hideSecrets(made, ssl)
}
