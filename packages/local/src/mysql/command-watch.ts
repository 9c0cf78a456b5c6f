/** Follows the packets of a client without keeping them. */
export interface CommandWatch {
  /**
   * Takes the next bytes from the client.
   *
   * @returns the offset at which a packet with the watched command begins, or -1. Bytes from that offset on have not
   * been taken: they are to be handed in again, or read by other means and left out.
   */
  next(chunk: Buffer): number
  /** The beginning of a packet of which too little has come to tell what it is; it belongs before the next bytes. */
  readonly pending: Buffer
}

const HEAD = 4
const MAX_PAYLOAD = 0xffffff
const NOTHING = Buffer.alloc(0)

/** Watches for packets that begin the given command; a command's first packet has the sequence number 0. */
export function watchForCommand(command: number): CommandWatch {
  let skip = 0
  let continued = false
  let pending: Buffer = NOTHING
  return {
    get pending() {
      return pending
    },
    next(chunk) {
      let position = 0
      pending = NOTHING
      while (position < chunk.length) {
        if (skip > 0) {
          const taken = Math.min(skip, chunk.length - position)
          skip -= taken
          position += taken
          continue
        }
        const left = chunk.length - position
        const size = left < 3 ? -1 : chunk.readUIntLE(position, 3)
        if (size < 0 || left < HEAD + Math.min(size, 1)) {
          pending = chunk.subarray(position)
          return -1
        }
        const first = size > 0 && !continued && chunk[position + 3] === 0
        if (first && chunk[position + HEAD] === command) return position
        // Numbers begin anew after 255. No command has that many packets, but a file that the client loads does.
        continued = size === MAX_PAYLOAD || (size > 0 && chunk[position + 3] === 255)
        skip = size + HEAD
      }
      return -1
    },
  }
}
