import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { connect as connectTls, createSecureContext, TLSSocket, type SecureContext } from 'node:tls'
import { generate } from 'selfsigned'

export type Engine = 'postgres' | 'mysql'

/** A point of a login, or of the session after it, that a relay recognizes. */
export type Point = 'accepted' | 'greeted' | 'handshake' | 'secured' | 'asked' | 'sent' | 'queried' | 'idle'

/** What a relay does to a connection. `bytewise` continues the connection, one byte at a time. */
export type Way = 'close' | 'reset' | 'garbage' | 'corruption' | 'silence' | 'bytewise'

/** What happens to the next connection that reaches a point. */
export interface Fault {
  at: Point
  way: Way
}

// Messages with the lengths of the engine's protocol, but without a meaning.
const NOISE = Buffer.from('f3a19bd407c852e6', 'hex')
const GARBAGE: Record<Engine, Buffer> = {
  postgres: Buffer.concat(Array(8).fill(Buffer.concat([Buffer.from('?\0\0\0\x0c'), NOISE]))),
  mysql: Buffer.concat(Array(8).fill(Buffer.concat([Buffer.from('\x08\0\0\0'), NOISE]))),
}
const TLS_REQUEST_BYTES: Record<Engine, number> = { postgres: 8, mysql: 36 }

/**
 * A relay between drivers and an endpoint. It terminates TLS on both sides, so that it can follow a login and insert
 * bytes.
 */
export interface Relay {
  port: number
  /** The CA certificate for clients, in PEM. */
  ca: string
  /** Sets the fault of the next connection that reaches its point. Resolves when the fault has happened. */
  arm(fault: Fault): Promise<void>
  /** Removes a fault that has not happened, and closes all connections. */
  clear(): Promise<void>
  /** Closes all connections that are silent because of a fault. */
  closeSilenced(): void
  /** Resolves when no client is connected. */
  allClosed(): Promise<void>
  close(): Promise<void>
}

/** Starts a relay to the port that `upstream` returns. */
export async function startRelay(engine: Engine, upstream: () => number): Promise<Relay> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  })
  const secureContext = createSecureContext({ cert, key })
  const connections = new Set<RelayedConnection>()
  let armed: { fault: Fault; happened(): void } | undefined

  const server = createServer((client) => {
    const connection = new RelayedConnection(engine, client, connect(upstream(), 'localhost'), (point) => {
      if (armed?.fault.at !== point) return undefined
      const { fault, happened } = armed
      armed = undefined
      return { way: fault.way, happened }
    })
    connections.add(connection)
    client.once('close', () => {
      connections.delete(connection)
      if (connections.size === 0) server.emit('allClosed')
    })
    // After a fault the relay reads nothing more from the endpoint, which ends serve(). The client's socket stays open.
    connection.serve(secureContext).catch(() => connection.isCut || client.destroy())
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const allClosed = async () => {
    while (connections.size > 0) await once(server, 'allClosed')
  }
  const clear = async () => {
    armed = undefined
    for (const { client } of connections) client.destroy()
    await allClosed()
  }
  return {
    port: (server.address() as AddressInfo).port,
    ca: cert,
    arm: (fault) =>
      new Promise((happened) => {
        armed = { fault, happened }
        if (fault.at === 'idle') for (const connection of connections) void connection.reach('idle')
      }),
    clear,
    closeSilenced() {
      for (const connection of connections) connection.closeIfSilenced()
    },
    allClosed,
    async close() {
      server.close()
      await clear()
    },
  }
}

type TakeFault = (point: Point) => { way: Way; happened(): void } | undefined

class RelayedConnection {
  /** Whether a fault has ended what it relays. */
  isCut = false
  /** The stream for messages to the client: its socket, later TLS. */
  #stream: Duplex
  #isBytewise = false
  #isLoggedIn = false

  constructor(
    readonly engine: Engine,
    readonly client: Socket,
    readonly upstream: Socket,
    readonly takeFault: TakeFault,
  ) {
    this.#stream = client
    client.setNoDelay(true).on('error', () => {})
    upstream.setNoDelay(true).on('error', () => {})
    client.once('close', () => upstream.destroy())
    upstream.once('close', () => {
      if (!this.isCut) this.#stream.end()
    })
  }

  async serve(secureContext: SecureContext): Promise<void> {
    const { client, upstream } = this
    if (!(await this.reach('accepted'))) return
    if (this.engine === 'mysql') await this.#send(await read(upstream))
    if (this.engine === 'mysql' && !(await this.reach('greeted'))) return
    upstream.write(await read(client, TLS_REQUEST_BYTES[this.engine]))
    if (this.engine === 'postgres') await this.#send(await read(upstream))
    if (this.engine === 'postgres' && !(await this.reach('greeted'))) return

    const secure = new TLSSocket(this.#wire(), { isServer: true, secureContext }).on('error', () => {})
    await once(secure, 'secure')
    this.#stream = secure
    if (!(await this.reach('secured'))) return void secure.resume()
    // Skip verification: the endpoint runs in this process.
    const endpoint = connectTls({ socket: upstream, rejectUnauthorized: false }).on('error', () => {})
    await once(endpoint, 'secureConnect')
    await this.#relayLogin(secure, endpoint)
  }

  /** Relays messages. Their order shows how far the login is, because each side waits for the other. */
  async #relayLogin(secure: Duplex, endpoint: Duplex): Promise<void> {
    let last: 'opening' | 'asked' | 'sent' | 'answered' = 'opening'
    const toEndpoint = async () => {
      for await (const chunk of secure) {
        if (last === 'asked') {
          last = 'sent'
          await this.reach('sent')
        } else if (last === 'answered') await this.reach('queried')
        if (!this.isCut) endpoint.write(chunk)
      }
      if (!this.isCut) endpoint.end()
    }
    const toClient = async () => {
      for await (const chunk of endpoint) {
        if (last === 'sent') {
          last = 'answered'
          this.#isLoggedIn = true
        }
        const isRequest = last === 'opening'
        if (isRequest) last = 'asked'
        await this.#send(chunk as Buffer)
        if (isRequest) await this.reach('asked')
      }
    }
    await Promise.all([toEndpoint(), toClient()])
  }

  /** Applies the fault of a point, if there is one. Returns whether the connection continues. */
  async reach(point: Point): Promise<boolean> {
    const fault = this.takeFault(point)
    if (!fault) return !this.isCut
    await this.#strike(fault.way)
    fault.happened()
    return !this.isCut
  }

  async #strike(way: Way): Promise<void> {
    if (way === 'bytewise') {
      this.#isBytewise = true
      return
    }
    this.isCut = true
    this.upstream.destroy()
    // Without TLS nothing else reads the client's remaining data and its end.
    if (this.#stream === this.client) this.client.resume()
    if (way === 'reset') this.client.resetAndDestroy()
    if (way === 'corruption') await write(this.client, GARBAGE[this.engine])
    if (way === 'garbage') await write(this.#stream, GARBAGE[this.engine])
    // Close after garbage: no driver has a time limit for a response that has begun.
    if (way === 'close' || (way === 'garbage' && this.#isLoggedIn)) await this.#close()
  }

  closeIfSilenced(): void {
    if (this.isCut) void this.#close()
  }

  /** Closes like a server: with TLS's close_notify and TCP's FIN. TCP answers later data with a reset. */
  async #close(): Promise<void> {
    if (this.client.closed) return
    const closed = once(this.client, 'close')
    this.client.once('finish', () => this.client.destroy())
    this.#stream.end()
    await closed
  }

  async #send(chunk: Buffer, stream = this.#stream): Promise<void> {
    if (!this.#isBytewise) return write(stream, chunk)
    for (const byte of chunk) {
      await write(stream, Buffer.of(byte))
      // With TLS each byte is its own record. Without it, give the client time to read each byte.
      if (stream === this.client) await setImmediate()
    }
  }

  /** The client's socket as a stream for TLS. The fault `handshake` happens after half of TLS's first message. */
  #wire(): Duplex {
    const { client } = this
    let isFirst = true
    const send = async (chunk: Buffer) => {
      const half = isFirst ? chunk.length >> 1 : 0
      if (half > 0) {
        isFirst = false
        await this.#send(chunk.subarray(0, half), client)
        if (!(await this.reach('handshake'))) return
      }
      const rest = chunk.subarray(half)
      await (this.#stream === client ? this.#send(rest, client) : write(client, rest))
    }
    const wire = new Duplex({
      read: () => void client.resume(),
      write(chunk: Buffer, _encoding, done) {
        void send(chunk).finally(done)
      },
      final(done) {
        client.end(done)
      },
    })
    client.on('data', (chunk) => {
      if (!wire.push(chunk)) client.pause()
    })
    client.once('end', () => wire.push(null))
    client.once('close', () => wire.destroy())
    return wire
  }
}

/** Reads a number of bytes, or what arrives first. */
async function read(socket: Socket, bytes?: number): Promise<Buffer> {
  for (;;) {
    const chunk = socket.read(bytes) as Buffer | null
    if (chunk) return chunk
    await once(socket, 'readable')
  }
}

function write(stream: Duplex, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => stream.write(chunk, () => resolve()))
}
