import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const CNAME = 5

const NXDOMAIN = 3
/** The response codes of failing DNS servers (RFC 1035). */
export const SERVFAIL = 2
export const REFUSED = 5

/** A DNS server on loopback that resolves aliases, and responds NXDOMAIN to everything else. */
export interface TestDns {
  address: string
  /** The target of each alias. May change at any time. */
  aliases: Map<string, string>
  /** The response codes of the next queries for a name. */
  failures: Map<string, number[]>
  /** Stops the server. */
  fallSilent(): void
  close(): Promise<void>
}

export async function startDns(): Promise<TestDns> {
  const aliases = new Map<string, string>()
  const failures = new Map<string, number[]>()
  let silent = false
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    if (!silent) socket.send(answer(query, aliases, failures), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    aliases,
    failures,
    fallSilent() {
      silent = true
    },
    async close() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

/** Encodes the response to one question: a CNAME or an error (RFC 1035). */
function answer(query: Buffer, aliases: Map<string, string>, failures: Map<string, number[]>): Buffer {
  const { name, end } = readName(query)
  const failure = failures.get(name.toLowerCase())?.shift()
  const target = failure === undefined ? aliases.get(name.toLowerCase()) : undefined
  const header = Buffer.from(query.subarray(0, 12))
  header.writeUInt16BE(0x8180 | (failure ?? (target === undefined ? NXDOMAIN : 0)), 2)
  for (const [at, count] of [1, target === undefined ? 0 : 1, 0, 0].entries())
    header.writeUInt16BE(count, 4 + 2 * at)
  const question = query.subarray(12, end + 4)
  if (target === undefined) return Buffer.concat([header, question])
  const data = writeName(target)
  const record = Buffer.from([0xc0, 12, 0, CNAME, 0, 1, 0, 0, 0, 0, data.length >> 8, data.length & 0xff])
  return Buffer.concat([header, question, record, data])
}

function readName(message: Buffer): { name: string; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 1 }
}

function writeName(name: string): Buffer {
  const labels = name
    .split('.')
    .map((label) => Buffer.from(String.fromCharCode(label.length) + label, 'latin1'))
  return Buffer.concat([...labels, Buffer.from([0])])
}
