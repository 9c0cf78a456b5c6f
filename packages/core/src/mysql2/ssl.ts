import { isIP } from 'node:net'
import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'
import { hideSecrets, type SslOptions } from '../tls/ssl-option'
import type { TrustedCas } from '../tls/trust'

/** mysql2's `ssl`: it verifies the chain and, with `verifyIdentity`, the host name. */
export type Mysql2Ssl = Omit<SslOptions, 'secureContext' | 'checkServerIdentity'> & {
  rejectUnauthorized: true
  verifyIdentity: true
}

/** The `ssl` objects of one configuration: mysql2 keeps its secure contexts and TLS sessions by their identity. */
export interface Mysql2SslByCas {
  of(target: LoginTarget): Mysql2Ssl
  /** For a library that connects without our `stream`: with the CA certificates that are known before that. */
  configured: Mysql2Ssl
}

/** Makes one `ssl` object for each set of CA certificates. */
export function createSsl(login: Login, host: string): Mysql2SslByCas {
  const { ssl } = login
  const { checkServerIdentity, ...material } = ssl
  const verified = { rejectUnauthorized: true, verifyIdentity: true } as const
  const byCas = new Map<TrustedCas | undefined, Mysql2Ssl>()
  const make = (cas: TrustedCas | undefined): Mysql2Ssl =>
    hideSecrets({ ...material, ...(cas ? { ca: [...cas] } : {}), ...verified }, ssl)
  // We check what mysql2 does not verify, and a resumed TLS session shows no certificate: then none must be resumed.
  const isOursToCheck = (name: string): boolean => checkServerIdentity !== undefined || isIP(name) > 0
  let configuredCas: SslOptions['ca']
  return {
    of(target) {
      const cas = login.cas(target)
      if (isOursToCheck(target.endpoint.host)) return make(cas)
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
          // mysql2 resumes no session of an `ssl` object whose CA certificates are another array than before.
          return isOursToCheck(login.endpointHost(host)) ? [configuredCas].flat() : configuredCas
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
