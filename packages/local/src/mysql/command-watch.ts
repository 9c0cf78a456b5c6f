import { followPackets, MAX_PAYLOAD } from './packet-follower'

/** Looks for a command in what a client sends, and holds it back. */
export interface CommandWatch {
  /**
   * Takes the next bytes from the client.
   *
   * @throws {ProtocolError} when they are of no form that the session has.
   */
  take(data: Buffer): Passage
  /** Bytes that were taken and not given back, for too little has come to tell what they are. */
  readonly pending: Buffer
}

/** What becomes of bytes that were taken. */
export interface Passage {
  /** What the backend may have. */
  passed: Buffer
  /** The watched command and all that came after it; undefined when it did not come. */
  command?: Buffer
}

const NOTHING = Buffer.alloc(0)

/** Watches for packets that begin the given command; a command's first packet has the sequence number 0. */
export function watchForCommand(command: number): CommandWatch {
  let continued = false
  const packets = followPackets(({ size, sequence, code }) => {
    const first = size > 0 && !continued && sequence === 0
    if (first && code === command) return true
    // Numbers begin anew after 255. No command has that many packets, but a file that the client loads does.
    continued = size === MAX_PAYLOAD || (size > 0 && sequence === 255)
    return false
  })
  let pending: Buffer = NOTHING
  return {
    get pending() {
      return pending
    },
    take(data) {
      const bytes = pending.length === 0 ? data : Buffer.concat([pending, data])
      const { position, found } = packets.follow(bytes)
      const [passed, rest] = [bytes.subarray(0, position), bytes.subarray(position)]
      pending = found ? NOTHING : rest
      return found ? { passed, command: rest } : { passed }
    },
  }
}
