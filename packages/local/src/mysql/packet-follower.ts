/** The beginning of a packet. */
export interface PacketHead {
  /** Length of the payload. */
  size: number
  /** Sequence number, 0 to 255. */
  sequence: number
  /** First byte of the payload: a command's code. Undefined when there is none. */
  code: number | undefined
}

/** Follows packets through the pieces in which they come, without keeping them. */
export interface PacketFollower {
  /**
   * Goes through the next bytes, up to a packet that is wanted or one of which too little has come.
   * Bytes from that position on have not been taken: they are to be handed in again, with more after them.
   */
  follow(bytes: Buffer): { position: number; found: boolean }
  /** Whether all packets are complete, so that the next byte begins one. */
  readonly betweenPackets: boolean
}

const HEAD = 4

/** Length of a payload that goes on in the next packet. */
export const MAX_PAYLOAD = 0xffffff

/** Begins to follow packets; `isWanted` is asked once about each, in their order. */
export function followPackets(isWanted: (head: PacketHead) => boolean): PacketFollower {
  let skip = 0
  return {
    get betweenPackets() {
      return skip === 0
    },
    follow(bytes) {
      let position = 0
      for (;;) {
        const skipped = Math.min(skip, bytes.length - position)
        skip -= skipped
        position += skipped
        const left = bytes.length - position
        const size = left < 3 ? MAX_PAYLOAD : bytes.readUIntLE(position, 3)
        if (left < HEAD + Math.min(size, 1)) return { position, found: false }
        const sequence = bytes.readUInt8(position + 3)
        const code = size === 0 ? undefined : bytes[position + HEAD]
        if (isWanted({ size, sequence, code })) return { position, found: true }
        skip = HEAD + size
      }
    },
  }
}
