import { createSecureContext, type SecureContext } from 'node:tls'
import { secretsOf, type SslOptions } from './ssl-option'
import type { CaCertificates } from './ca-certificates'

const shared = new WeakMap<CaCertificates, SecureContext>()

/**
 * Creates one secure context for each set of CA certificates. Parsing the certificates for each connection would cost
 * more than the login.
 */
export function createSecureContexts(ssl: SslOptions): (cas: CaCertificates | undefined) => SecureContext {
  const { checkServerIdentity: _, secureContext, ...shown } = ssl
  if (secureContext) return () => secureContext
  const material = { ...shown, ...secretsOf(ssl) }

  // Without TLS settings of the caller, all configurations of the process share the context.
  const contexts = Object.keys(material).length === 0 ? shared : new WeakMap<CaCertificates, SecureContext>()
  let own: SecureContext | undefined
  return (cas) => {
    if (!cas) return (own ??= createSecureContext(material))
    let context = contexts.get(cas)
    if (!context) contexts.set(cas, (context = createSecureContext({ ...material, ca: [...cas] })))
    return context
  }
}
