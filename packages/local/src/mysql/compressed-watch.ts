import { ProtocolError } from '../byte-reader'
import type { CommandWatch } from './command-watch'
import { FRAME_HEAD, inflateFrame, parseFrameHead, type FrameHead } from './compression'
import { followPackets, MAX_PAYLOAD } from './packet-follower'

const NOTHING = Buffer.alloc(0)

/**
 * Watches for a command in a compressed session; what it passes on is as it came.
 *
 * Servers ignore the packets' numbers here, and check those of frames alone: a frame numbered 0 must come where they
 * wait for a command, and no other there. So whatever begins in such a frame is a command, and packets that begin in
 * the others are of a file that the client loads, up to an empty one.
 */
export function watchForCompressedCommand(command: number): CommandWatch {
  let loads = false
  let continued = false
  const packets = followPackets(({ size, code }) => {
    const first = !continued
    continued = size === MAX_PAYLOAD
    if (!loads) return first && code === command
    if (first && size === 0) loads = false
    return false
  })
  const frames = createFrameQueue()
  let previous = 0
  // Frames that end within the head of a packet, which may begin with the first of them.
  const held: Buffer[] = []
  let heldHead: Buffer = NOTHING
  let beginsFrame = true
  return {
    get pending() {
      return Buffer.concat([...held, frames.incomplete])
    },
    take(data) {
      frames.add(data)
      const passed: Buffer[] = []
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
        const { head, contents, bytes } = frame
        if (packets.betweenPackets && heldHead.length === 0 && !continued) {
          // After 255 frames of a file they begin anew.
          if (head.sequence !== 0) loads = true
          else if (previous !== 255) loads = false
        }
        previous = head.sequence
        const inflated = Buffer.concat([heldHead, inflateFrame(head, contents)])
        const { position, found } = packets.follow(inflated)
        beginsFrame = position === 0 && (heldHead.length === 0 || beginsFrame)
        held.push(bytes)
        if (found) {
          if (!beginsFrame) throw new ProtocolError('a change of user comes together with other commands')
          heldHead = NOTHING
          const command = Buffer.concat([...held.splice(0), frames.takeIncomplete()])
          return { passed: Buffer.concat(passed), command }
        }
        heldHead = inflated.subarray(position)
        if (heldHead.length === 0) passed.push(...held.splice(0))
      }
      return { passed: Buffer.concat(passed) }
    },
  }
}

interface Frame {
  head: FrameHead
  /** What follows the head. */
  contents: Buffer
  /** The whole as it came. */
  bytes: Buffer
}

/** Puts frames together from the pieces in which they come. */
function createFrameQueue() {
  let chunks: Buffer[] = []
  let length = 0
  let wanted = FRAME_HEAD
  const join = (): Buffer => {
    const bytes = chunks.length === 1 ? (chunks[0] ?? NOTHING) : Buffer.concat(chunks)
    chunks = [bytes]
    return bytes
  }
  return {
    add(data: Buffer): void {
      chunks.push(data)
      length += data.length
    },
    get incomplete(): Buffer {
      return join()
    },
    takeIncomplete(): Buffer {
      const bytes = join()
      chunks = []
      length = 0
      wanted = FRAME_HEAD
      return bytes
    },
    next(): Frame | undefined {
      if (length < wanted) return undefined
      const bytes = join()
      const head = parseFrameHead(bytes)
      wanted = FRAME_HEAD + head.size
      if (length < wanted) return undefined
      const frame = { head, contents: bytes.subarray(FRAME_HEAD, wanted), bytes: bytes.subarray(0, wanted) }
      chunks = [bytes.subarray(wanted)]
      length -= wanted
      wanted = FRAME_HEAD
      return frame
    },
  }
}
