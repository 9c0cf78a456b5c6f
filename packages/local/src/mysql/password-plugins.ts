import { constants, createHash, publicEncrypt } from 'node:crypto'
import { ProtocolError } from '../byte-reader'

/** Computes the response to an authentication plugin's challenge. */
export function answerChallenge(
  plugin: string,
  password: string,
  scramble: Buffer,
  encrypted: boolean,
): Buffer {
  if (plugin === 'mysql_clear_password') {
    if (!encrypted) throw new ProtocolError('the backend requests a cleartext password without TLS')
    return Buffer.from(`${password}\0`)
  }
  if (password === '') return Buffer.alloc(0)
  if (plugin === 'mysql_native_password') return nativePassword(password, scramble)
  if (plugin === 'caching_sha2_password') return cachingSha2Password(password, scramble)
  throw new ProtocolError(`the backend requests the unknown authentication plugin ${plugin}`)
}

/** Encrypts a password for the server's public key, as caching_sha2_password requires without TLS. */
export function encryptPassword(password: string, scramble: Buffer, publicKey: Buffer): Buffer {
  const masked = Buffer.from(`${password}\0`).map(
    (byte, index) => byte ^ (scramble[index % scramble.length] ?? 0),
  )
  return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, masked)
}

function nativePassword(password: string, scramble: Buffer): Buffer {
  const once = hash('sha1', password)
  return xor(once, hash('sha1', scramble, hash('sha1', once)))
}

function cachingSha2Password(password: string, scramble: Buffer): Buffer {
  const once = hash('sha256', password)
  return xor(once, hash('sha256', hash('sha256', once), scramble))
}

function hash(algorithm: string, ...parts: (string | Buffer)[]): Buffer {
  const digest = createHash(algorithm)
  for (const part of parts) digest.update(part)
  return digest.digest()
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)))
}
