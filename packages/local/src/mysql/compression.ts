import type { Duplex } from 'node:stream'
import { inflateSync } from 'node:zlib'
import { ProtocolError, readBytes } from '../byte-reader'
import { MAX_LOGIN_MESSAGE } from '../login'
import { takePacket, type PacketChannel } from './packets'

/** The head of a frame: in a compressed session packets travel inside of frames, whose limits are others. */
export interface FrameHead {
  /** Length of what follows the head. */
  size: number
  /** The frames' own sequence number, 0 to 255. */
  sequence: number
  /** Length of what comes out, or 0 when what follows is not compressed. */
  inflatedSize: number
}

/** Size of a frame's head. */
export const FRAME_HEAD = 7

/** @throws {ProtocolError} when there is nothing in the frame. */
export function parseFrameHead(bytes: Buffer): FrameHead {
  const size = bytes.readUIntLE(0, 3)
  if (size === 0) throw new ProtocolError('a compressed frame is empty')
  return { size, sequence: bytes.readUInt8(3), inflatedSize: bytes.readUIntLE(4, 3) }
}

/** @throws {ProtocolError} when the contents are no zlib data, or longer than announced. */
export function inflateFrame({ inflatedSize }: FrameHead, contents: Buffer): Buffer {
  if (inflatedSize === 0) return contents
  try {
    const inflated = inflateSync(contents, { maxOutputLength: inflatedSize })
    if (inflated.length > 0) return inflated
  } catch {
    // No zlib data, or too much of it.
  }
  throw new ProtocolError('a compressed frame cannot be read')
}

/** Reads and writes the packets of a compressed session, for one command and its answers. */
export function compressedChannel(stream: Duplex): PacketChannel {
  let sequence = 0
  let unread: Buffer = Buffer.alloc(0)
  const readFrame = async (): Promise<Buffer> => {
    const head = parseFrameHead(await readBytes(stream, FRAME_HEAD))
    if (Math.max(head.size, head.inflatedSize) > MAX_LOGIN_MESSAGE)
      throw new ProtocolError('the length of a frame is out of range')
    sequence = head.sequence + 1
    return inflateFrame(head, await readBytes(stream, head.size))
  }
  return {
    get isRead() {
      return unread.length === 0
    },
    async read() {
      for (;;) {
        const taken = takePacket(unread)
        if (taken !== undefined) {
          unread = taken.rest
          return taken.packet
        }
        unread = Buffer.concat([unread, await readFrame()])
      }
    },
    write(bytes) {
      const head = Buffer.alloc(FRAME_HEAD)
      head.writeUIntLE(bytes.length, 0, 3)
      head.writeUInt8(sequence++ & 0xff, 3)
      stream.write(Buffer.concat([head, bytes]))
    },
  }
}
