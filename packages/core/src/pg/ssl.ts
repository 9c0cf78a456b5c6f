import type { ConnectionOptions } from 'node:tls'
import { parseAddress, type Address, type IamOptions } from '../iam-options'
import { knownTrust, type IamLogin } from '../login/iam-login'
import { createSecureContexts } from '../tls/secure-context'
import { hideSecrets, secretsOf } from '../tls/ssl-option'
import { checkCertificate } from '../tls/verify'

/**
 * The `ssl` of a pg configuration, complete in itself for whoever connects without our `stream`. The
 * certificate authorities are read when they are needed, and only once.
 */
export function createSsl({ ssl }: IamLogin, configured: Address, iam: IamOptions): ConnectionOptions {
  const endpoint = iam.endpoint === undefined ? undefined : parseAddress(iam.endpoint, 'iam.endpoint').host
  const trust = () => knownTrust(configured.host, iam)
  const made: ConnectionOptions = {
    get ca() {
      return [...trust()]
    },
    ...ssl,
    rejectUnauthorized: true,
    checkServerIdentity: (host, certificate) =>
      checkCertificate(endpoint ?? host, certificate, ssl.checkServerIdentity),
  }
  if (Object.keys(secretsOf(ssl)).length > 0) {
    // With a `stream` of the caller's, pg copies what is enumerable and `key`, but neither `pfx` nor `passphrase`.
    const contexts = createSecureContexts(ssl)
    Object.defineProperty(made, 'secureContext', {
      get: () => contexts(ssl.ca ? undefined : trust()),
      enumerable: true,
      configurable: true,
    })
  }
  return hideSecrets(made, ssl)
}
