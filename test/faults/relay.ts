import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { connect as connectTls, createSecureContext, TLSSocket, type SecureContext } from 'node:tls'
import type { Engine } from '@rds-iam/local'
import { generate } from 'selfsigned'

/** A point of a login, or of the session after it, that a relay sees. */
export type Point = 'accepted' | 'greeted' | 'handshake' | 'secured' | 'asked' | 'sent' | 'queried' | 'idle'

/** What a relay does to a connection. From `bytewise` on it sends a byte at a time, and goes on. */
export type Way = 'close' | 'reset' | 'garbage' | 'corruption' | 'silence' | 'bytewise'

/** What is to happen to the next connection that comes to a point. */
export interface Fault {
  at: Point
  way: Way
}

// Whole messages of the engine's protocol, by their lengths, that mean nothing.
const NOISE = Buffer.from('f3a19bd407c852e6', 'hex')
const GARBAGE: Record<Engine, Buffer> = {
  postgres: Buffer.concat(Array(8).fill(Buffer.concat([Buffer.from('?\0\0\0\x0c'), NOISE]))),
  mysql: Buffer.concat(Array(8).fill(Buffer.concat([Buffer.from('\x08\0\0\0'), NOISE]))),
}
const TLS_REQUEST_BYTES: Record<Engine, number> = { postgres: 8, mysql: 36 }

/**
 * A relay between drivers and an endpoint. It ends the TLS of both sides, so that it knows how far a login is and can
 * put bytes into it.
 */
export interface Relay {
  port: number
  /** Certificate that clients are to trust, in PEM. */
  ca: string
  /** Sets the fault of the next connection that comes to its point; resolves when it has happened. */
  arm(fault: Fault): Promise<void>
  /** Forgets a fault that has not happened, and closes every connection. */
  clear(): Promise<void>
  /** Closes the connections that were silenced. */
  closeSilenced(): void
  /** Resolves when no client is connected. */
  allClosed(): Promise<void>
  close(): Promise<void>
}

/** Starts a relay to the port that `upstream` gives. */
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
  /** What messages to the client are written to: its socket, later TLS. */
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
    // The endpoint is this process's own.
    const endpoint = connectTls({ socket: upstream, rejectUnauthorized: false }).on('error', () => {})
    await once(endpoint, 'secureConnect')
    await this.#relayLogin(secure, endpoint)
  }

  /** Passes messages on. Their order tells how far the login is: each side waits for the other's. */
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

  /** Comes to a point, where there may be a fault; says whether the connection goes on. */
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
    // Without TLS nobody else reads what the client still sends, and its end.
    if (this.#stream === this.client) this.client.resume()
    if (way === 'reset') this.client.resetAndDestroy()
    if (way === 'corruption') await write(this.client, GARBAGE[this.engine])
    if (way === 'garbage') await write(this.#stream, GARBAGE[this.engine])
    // No driver limits the time of an answer that has begun.
    if (way === 'close' || (way === 'garbage' && this.#isLoggedIn)) await this.#close()
  }

  closeIfSilenced(): void {
    if (this.isCut) void this.#close()
  }

  /** Closes as a server does: with TLS's and TCP's farewell, and what comes later is answered by a reset. */
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
      // Inside TLS each byte is a record of its own; without it the client needs time to read one.
      if (stream === this.client) await setImmediate()
    }
  }

  /** The client's socket for TLS to be spoken on; half of what TLS sends first goes before the fault amid TLS. */
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

/** Reads a number of bytes, or what comes first. */
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
