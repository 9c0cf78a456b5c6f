import { greeting, packet, startMysqlStandIn, type MysqlStandIn } from '../support/mysql-stand-in'

/** A MySQL server that answers as the test says. */
export interface ScriptedMysql extends MysqlStandIn {
  /** The payloads that it received inside TLS. */
  received: string[]
}

/**
 * Starts a server for `localhost`. `answer` gets the payload of each packet inside TLS, and returns the payloads of the
 * answer.
 */
export async function startScriptedMysql(
  answer: (payload: Buffer) => Buffer[],
  { offersTls = true } = {},
): Promise<ScriptedMysql> {
  const received: string[] = []
  const firstPacket = greeting('8.0.39', 'mysql_native_password', { offersTls })
  const server = await startMysqlStandIn(firstPacket, (stream) => {
    stream.on('data', (chunk: Buffer) => {
      const payload = chunk.subarray(4)
      received.push(payload.toString('latin1'))
      let sequence = chunk.readUInt8(3)
      for (const part of answer(payload)) stream.write(packet(++sequence, part))
    })
  })
  return { ...server, received }
}

export const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0])

export function error(errno: number, message: string): Buffer {
  return Buffer.concat([Buffer.from([0xff, errno & 0xff, errno >> 8]), Buffer.from(`#HY000${message}`)])
}

export function authSwitch(plugin: string): Buffer {
  return Buffer.concat([Buffer.from([0xfe]), Buffer.from(`${plugin}\0abcdefghijklmnopqrst\0`)])
}

/** The payloads of a result in the text protocol. */
export function result(...rows: (string | null)[][]): Buffer[] {
  const columns = rows[0]?.length ?? 1
  const end = Buffer.from([0xfe, 0, 0, 2, 0])
  return [
    Buffer.from([columns]),
    ...Array.from({ length: columns }, () => Buffer.from('\u0003def')),
    end,
    ...rows.map((row) => Buffer.concat(row.map(encodeValue))),
    end,
  ]
}

function encodeValue(value: string | null): Buffer {
  return value === null
    ? Buffer.from([0xfb])
    : Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
}
