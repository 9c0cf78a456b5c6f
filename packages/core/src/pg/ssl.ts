import type { ConnectionOptions } from 'node:tls'
import type { Login } from '../login/login'
import { createSecureContexts } from '../tls/secure-context'
import { hideSecrets, secretsOf } from '../tls/ssl-option'
import { checkCertificate } from '../tls/verify'

/**
 * The `ssl` of a pg configuration, complete in itself for a library that connects without our `stream`. The
 * certificate authorities are read when they are needed, and only once.
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
    // With a `stream` of the caller's, pg copies what is enumerable and `key`, but neither `pfx` nor `passphrase`.
    const contexts = createSecureContexts(ssl)
    Object.defineProperty(made, 'secureContext', {
      get: () => contexts(ssl.ca ? undefined : cas()),
      enumerable: true,
      configurable: true,
    })
  }
  return hideSecrets(made, ssl)
}
