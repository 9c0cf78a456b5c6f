import type { ConnectionOptions } from 'node:tls'
import { parseAddress, type Address, type IamOptions } from '../iam-options'
import { knownTrust, type IamLogin } from '../login/iam-login'
import { checkCertificate } from '../tls/verify'

/**
 * The `ssl` of a pg configuration, complete in itself for whoever connects without our `stream`. The
 * certificate authorities are read when they are needed, and only once.
 */
export function createSsl({ ssl }: IamLogin, configured: Address, iam: IamOptions): ConnectionOptions {
  const endpoint = iam.endpoint === undefined ? undefined : parseAddress(iam.endpoint, 'iam.endpoint').host
  return {
    get ca() {
      return [...knownTrust(configured.host, iam)]
    },
    ...ssl,
    rejectUnauthorized: true,
    checkServerIdentity: (host, certificate) =>
      checkCertificate(endpoint ?? host, certificate, ssl.checkServerIdentity),
  }
}
