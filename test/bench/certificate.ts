import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Files of a server certificate for `localhost`, with a P-256 key as the endpoint has. */
export interface CertificateFiles {
  cert: string
  key: string
  /** What a client is to trust, in PEM. */
  ca: string
}

export function createCertificateFiles(directory: string): CertificateFiles {
  const [cert, key] = [join(directory, 'server.crt'), join(directory, 'server.key')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const kind = ['-x509', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  execFileSync('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { cert, key, ca: readFileSync(cert, 'utf8') }
}
