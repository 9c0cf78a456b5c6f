import { isIP } from 'node:net'
import { parseAddress, type Address, type IamOptions } from '../iam-options'
import { knownTrust, type IamLogin } from '../login/iam-login'
import type { LoginTarget } from '../login/login-target'
import { hideSecrets, type SslOptions } from '../tls/ssl-option'
import type { TrustedCas } from '../tls/trust'

/** mysql2's `ssl`: it verifies the chain and, with `verifyIdentity`, the host name. */
export type Mysql2Ssl = Omit<SslOptions, 'secureContext' | 'checkServerIdentity'> & {
  rejectUnauthorized: true
  verifyIdentity: true
}

/** The `ssl` objects of one configuration: mysql2 keeps its secure contexts and TLS sessions by their identity. */
export interface Mysql2SslByTrust {
  of(target: LoginTarget): Mysql2Ssl
  /** For whoever connects without our `stream`: what can be told before a connection is opened. */
  configured: Mysql2Ssl
}

/** Makes one `ssl` object for each trust. */
export function createSsl({ ssl, trust }: IamLogin, configured: Address, iam: IamOptions): Mysql2SslByTrust {
  const { checkServerIdentity, ...material } = ssl
  const verified = { rejectUnauthorized: true, verifyIdentity: true } as const
  const byTrust = new Map<TrustedCas | undefined, Mysql2Ssl>()
  const make = (cas: TrustedCas | undefined): Mysql2Ssl =>
    hideSecrets({ ...material, ...(cas ? { ca: [...cas] } : {}), ...verified }, ssl)
  // What mysql2 does not verify we look at ourselves, and a TLS session that is resumed shows no certificate.
  const isOursToCheck = (host: string): boolean => checkServerIdentity !== undefined || isIP(host) > 0
  const endpoint = iam.endpoint === undefined ? configured : parseAddress(iam.endpoint, 'iam.endpoint')
  let configuredCas: SslOptions['ca']
  return {
    of(target) {
      const cas = trust(target)
      if (isOursToCheck(target.endpoint.host)) return make(cas)
      let found = byTrust.get(cas)
      if (!found) byTrust.set(cas, (found = make(cas)))
      return found
    },
    configured: hideSecrets(
      {
        ...material,
        ...verified,
        get ca() {
          configuredCas ??= material.ca || [...knownTrust(configured.host, iam)]
          // mysql2 resumes no session of an object whose authorities are others than before.
          return isOursToCheck(endpoint.host) ? [configuredCas].flat() : configuredCas
        },
      },
      ssl,
    ),
  }
}

/**
 * Whether mysql2 itself verifies that a certificate is a host's: when a TLS session begins, and it resumes only
 * sessions that began so. It does not verify IP addresses.
 */
export function verifiesName(
  { host: configured, ssl }: { host: string; ssl: unknown },
  host: string,
): boolean {
  const { rejectUnauthorized, verifyIdentity } = (ssl ?? {}) as Partial<Mysql2Ssl>
  return (
    rejectUnauthorized === true && verifyIdentity === true && configured.toLowerCase() === host && !isIP(host)
  )
}
