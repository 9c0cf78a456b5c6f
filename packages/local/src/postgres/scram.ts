import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { ProtocolError } from '../byte-reader'

const derive = promisify(pbkdf2)

/** Starts a SCRAM-SHA-256 login, without channel binding, from the client's side (RFC 5802, RFC 7677). */
export function startScram(password: string) {
  const nonce = randomBytes(18).toString('base64')
  const bare = `n=,r=${nonce}` // PostgreSQL takes the user from the startup message
  let expected: Buffer | undefined
  return {
    /** The first message to send. */
    first: `n,,${bare}`,
    /** Answers the server's first message. */
    async final(serverFirst: string): Promise<string> {
      const { r: serverNonce = '', s: salt = '', i: iterations = '' } = attributes(serverFirst)
      if (
        !serverNonce.startsWith(nonce) ||
        serverNonce.length === nonce.length ||
        !/^[1-9]\d{0,6}$/.test(iterations)
      )
        throw new ProtocolError('the backend does not follow SCRAM')
      const salted = await saltedPassword(password, salt, Number(iterations))
      const withoutProof = `c=biws,r=${serverNonce}`
      const transcript = `${bare},${serverFirst},${withoutProof}`
      const clientKey = hmac(salted, 'Client Key')
      const signature = hmac(sha256(clientKey), transcript)
      const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
      expected = hmac(hmac(salted, 'Server Key'), transcript)
      return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`
    },
    /** @throws {ProtocolError} when the server's last message does not prove that it knows the password. */
    verify(serverFinal: string): void {
      const signature = Buffer.from(attributes(serverFinal).v ?? '', 'base64')
      if (expected?.length !== signature.length || !timingSafeEqual(expected, signature))
        throw new ProtocolError('the backend does not know the password that it asked for')
    },
  }
}

// The server's salt stays the same for a user, and thousands of hash rounds need not be done for each session.
const saltedPasswords = new Map<string, Promise<Buffer>>()
const MAX_SALTED_PASSWORDS = 100

function saltedPassword(password: string, salt: string, iterations: number): Promise<Buffer> {
  const key = createHash('sha256')
    .update(JSON.stringify([password, salt, iterations]))
    .digest('base64')
  const known = saltedPasswords.get(key)
  if (known !== undefined) return known
  if (saltedPasswords.size >= MAX_SALTED_PASSWORDS) saltedPasswords.clear()
  const salted = derive(password.normalize('NFKC'), Buffer.from(salt, 'base64'), iterations, 32, 'sha256')
  saltedPasswords.set(key, salted)
  return salted
}

function attributes(message: string): Partial<Record<string, string>> {
  return Object.fromEntries(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)]))
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
