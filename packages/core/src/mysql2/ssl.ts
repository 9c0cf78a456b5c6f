import { isIP } from 'node:net'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import { hideSecrets, type SslOptions } from '../tls/ssl-option'
import type { CaCertificates } from '../tls/ca-certificates'

/** mysql2's `ssl`: it verifies the chain and, with `verifyIdentity`, the host name. */
export type Mysql2Ssl = Omit<SslOptions, 'secureContext' | 'checkServerIdentity'> & {
  rejectUnauthorized: true
  verifyIdentity: true
}

/** The `ssl` objects of one configuration. mysql2 caches secure contexts and TLS sessions by object identity. */
export interface Mysql2SslByCas {
  of(target: LoginTarget): Mysql2Ssl
  /** For libraries that connect without our `stream`: has the CA certificates of the configured host. */
  configured: Mysql2Ssl
}

/** Creates one `ssl` object for each set of CA certificates. */
export function createSsl(login: Login, host: string): Mysql2SslByCas {
  const { ssl } = login
  const { checkServerIdentity, ...material } = ssl
  const verified = { rejectUnauthorized: true, verifyIdentity: true } as const
  const byCas = new Map<CaCertificates | undefined, Mysql2Ssl>()
  const make = (cas: CaCertificates | undefined): Mysql2Ssl =>
    hideSecrets({ ...material, ...(cas ? { ca: [...cas] } : {}), ...verified }, ssl)
  // mysql2 neither verifies IP addresses nor calls `checkServerIdentity`: then we check the certificate ourselves. A
  // resumed TLS session has no certificate to check, so prevent resumption with a new `ssl` object for each connection.
  const needsOwnCheck = (name: string): boolean => checkServerIdentity !== undefined || isIP(name) > 0
  let configuredCas: SslOptions['ca']
  return {
    of(target) {
      const cas = login.cas(target)
      if (needsOwnCheck(target.endpoint.host)) return make(cas)
      let found = byCas.get(cas)
      if (!found) byCas.set(cas, (found = make(cas)))
      return found
    },
    configured: hideSecrets(
      {
        ...material,
        ...verified,
        get ca() {
          configuredCas ??= material.ca || [...login.configuredCas(host)]
          // mysql2 does not resume a session when `ca` is a different array than before.
          return needsOwnCheck(login.endpointHost(host)) ? [configuredCas].flat() : configuredCas
        },
      },
      ssl,
    ),
  }
}

/**
 * Whether mysql2 itself verifies that a certificate is valid for a host. It does so when a TLS session begins, and
 * resumes only sessions that it verified. It does not verify IP addresses.
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
