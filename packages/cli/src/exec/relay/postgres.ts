import type { Duplex } from 'node:stream'
import { openTls, readBytes } from '@rds-iam/core/internal'
import { isEqual, messageOf, WrongPassword, type Serve } from './upstream'

const CANCEL = 80_877_102
/** The codes of SSLRequest and GSSENCRequest. */
const ENCRYPTION = [80_877_103, 80_877_104]
const CLEARTEXT_PASSWORD = 3
const LONGEST_MESSAGE = 65_536

/** Logs in a PostgreSQL client. */
export const servePostgres: Serve = async (client, { login, target, user, password }, signal) => {
  try {
    const startup = await readStartup(client)
    if (startup.readUInt32BE(4) === CANCEL) {
      const server = await openTls(login, target, { signal })
      server.write(startup)
      return server
    }
    client.write(message('R', int32(CLEARTEXT_PASSWORD)))
    if (!isEqual(await readMessage(client), message('p', `${password}\0`))) throw new WrongPassword()
    const [server, token] = await Promise.all([openTls(login, target, { signal }), login.token(target, user)])
    server.write(startup)
    for (;;) {
      const answer = await readMessage(server)
      const type = String.fromCharCode(answer[0] ?? 0)
      if (type === 'R' && answer.readUInt32BE(5) === CLEARTEXT_PASSWORD) {
        server.write(message('p', `${token.value}\0`))
        return server
      }
      client.write(answer)
      if (type === 'R' || type === 'E') return server
    }
  } catch (error) {
    const code = error instanceof WrongPassword ? '28P01' : '08006'
    client.end(message('E', `SFATAL\0VFATAL\0C${code}\0M${messageOf(error)}\0\0`))
    return undefined
  }
}

/** Reads a client's startup message. Declines requests for encryption before it. */
async function readStartup(client: Duplex): Promise<Buffer> {
  for (;;) {
    const head = await readBytes(client, 4)
    const startup = Buffer.concat([head, await readBytes(client, lengthIn(head) - 4)])
    if (!ENCRYPTION.includes(startup.readUInt32BE(4))) return startup
    client.write('N')
  }
}

async function readMessage(stream: Duplex): Promise<Buffer> {
  const head = await readBytes(stream, 5)
  return Buffer.concat([head, await readBytes(stream, lengthIn(head.subarray(1)) - 4)])
}

function lengthIn(bytes: Buffer): number {
  const length = bytes.readUInt32BE(0)
  if (length >= 8 && length <= LONGEST_MESSAGE) return length
  throw new Error('not a PostgreSQL message')
}

function message(type: string, body: string | Buffer): Buffer {
  const bytes = Buffer.from(body as string)
  return Buffer.concat([Buffer.from(type), int32(4 + bytes.length), bytes])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
