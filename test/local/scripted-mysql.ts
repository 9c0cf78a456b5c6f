import { constants, createHash, generateKeyPairSync, privateDecrypt } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { greeting, packet } from '../support/mysql-stand-in'

/** The one user of the server. */
export const CACHING_SHA2_USER = 'sha2_user'
const PASSWORD = 'a pässword'

/** A server that plays MySQL 8's side of a login with caching_sha2_password, and answers nothing else. */
export interface ScriptedMysql {
  url: string
  /** How it goes on after the client's first answer. */
  way: 'fast' | 'full' | 'switch' | 'silent'
  /** Logins it has decided on. */
  logins: { user: string; accepted: boolean }[]
  /** Resolves when a client has sent its first answer. */
  answered: Promise<unknown>
  /** Resolves when a client's connection has closed. */
  disconnected: Promise<unknown>
  /** The user of the next session that ends with COM_QUIT. */
  nextQuit: Promise<string>
  close(): void
}

// CONNECT_WITH_DB, TRANSACTIONS, CONNECT_ATTRS and PLUGIN_AUTH_LENENC_CLIENT_DATA
const MORE_FLAGS = 0x8 | 0x2000 | 0x100000 | 0x200000
const SCRAMBLE = Buffer.from('abcdefghijklmnopqrst')
const SECOND_SCRAMBLE = Buffer.from('uvwxyzabcdefghijklmn')

export async function startScriptedMysql(): Promise<ScriptedMysql> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const events = new EventEmitter<{ answer: []; close: []; quit: [user: string] }>()
  const nextQuit = once(events, 'quit').then(([user]) => user as string)

  async function serve(socket: Socket): Promise<void> {
    const packets = readPackets(socket)
    const next = async () => (await packets.next()).value as Buffer
    let sequence = 0
    const send = (...parts: (string | Buffer)[]) => {
      socket.write(packet(sequence, Buffer.concat(parts.map((part) => Buffer.from(part)))))
      sequence += 2
    }
    send(greeting('8.0.99-scripted', 'caching_sha2_password', { scramble: SCRAMBLE, moreFlags: MORE_FLAGS }))
    const response = await next()
    const { user, auth } = readResponse(response)
    events.emit('answer')
    if (server.way === 'silent') return
    let proof = auth
    let scramble = SCRAMBLE
    if (server.way === 'switch') {
      scramble = SECOND_SCRAMBLE
      send(Buffer.from([0xfe]), 'caching_sha2_password\0', scramble, '\0')
      proof = await next()
    }
    let accepted = proof.equals(hashProof(scramble))
    if (accepted && server.way === 'full') {
      send(Buffer.from([1, 4]))
      if (!(await next()).equals(Buffer.from([2]))) throw new Error('the public key was not asked for')
      send(Buffer.from([1]), publicKey.export({ type: 'spki', format: 'pem' }) as string)
      const encrypted = await next()
      const masked = privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, encrypted)
      const clear = masked.map((byte, index) => byte ^ scramble[index % scramble.length]!)
      accepted = clear.toString() === `${PASSWORD}\0`
    } else if (accepted) {
      send(Buffer.from([1, 3]))
      sequence--
    }
    server.logins.push({ user, accepted })
    if (!accepted) return send(Buffer.from([0xff, 0x15, 0x04]), '#28000a scripted refusal')
    send(Buffer.from([0, 0, 0, 2, 0, 0, 0]))
    if ((await next())[0] === 1) events.emit('quit', user)
    socket.end()
  }

  const listener = createServer((socket) => {
    socket.on('error', () => {}).once('close', () => events.emit('close'))
    serve(socket).catch(() => socket.destroy())
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const server: ScriptedMysql = {
    url: `mysql://${CACHING_SHA2_USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/app`,
    way: 'fast',
    logins: [],
    answered: once(events, 'answer'),
    disconnected: once(events, 'close'),
    nextQuit,
    close: () => void listener.close(),
  }
  return server
}

async function* readPackets(socket: Socket): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUIntLE(0, 3)) {
      const end = 4 + rest.readUIntLE(0, 3)
      yield rest.subarray(4, end)
      rest = rest.subarray(end)
    }
  }
}

function readResponse(response: Buffer): { user: string; auth: Buffer } {
  const end = response.indexOf(0, 32)
  const size = response[end + 1] ?? 0
  return { user: response.toString('utf8', 32, end), auth: response.subarray(end + 2, end + 2 + size) }
}

function hashProof(scramble: Buffer): Buffer {
  const sha256 = (...parts: (string | Buffer)[]) =>
    parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
  const once = sha256(PASSWORD)
  const mask = sha256(sha256(once), scramble)
  return Buffer.from(once.map((byte, index) => byte ^ mask[index]!))
}
