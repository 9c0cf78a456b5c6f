import { createSecureContext, type SecureContext } from 'node:tls'
import { secretsOf, type SslOptions } from './ssl-option'
import type { TrustedCas } from './trust'

const shared = new WeakMap<TrustedCas, SecureContext>()

/** Makes one secure context for each trust: parsing certificates for each connection would cost more than the login. */
export function createSecureContexts(ssl: SslOptions): (trust: TrustedCas | undefined) => SecureContext {
  const { checkServerIdentity: _, secureContext, ...shown } = ssl
  if (secureContext) return () => secureContext
  const material = { ...shown, ...secretsOf(ssl) }

  // Nothing of the caller's in it: then all configurations of the process share it.
  const contexts = Object.keys(material).length === 0 ? shared : new WeakMap<TrustedCas, SecureContext>()
  let own: SecureContext | undefined
  return (trust) => {
    if (!trust) return (own ??= createSecureContext(material))
    let context = contexts.get(trust)
    if (!context) contexts.set(trust, (context = createSecureContext({ ...material, ca: [...trust] })))
    return context
  }
}
