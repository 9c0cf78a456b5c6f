import type { RewriteStatement } from '../login'
import { COMMANDS, encodePacket } from './packets'

/** The result of watching some bytes. */
export interface WatchResult {
  /** Bytes that the backend may have. */
  passed: Buffer
  /** The watched command and everything after it; undefined when it did not come. */
  command?: Buffer
}

const NOTHING = Buffer.alloc(0)
const HEAD = 4

/** Length of a payload that continues in the next packet. */
const MAX_PAYLOAD = 0xffffff

// Larger statements are not rewritten.
const MAX_REWRITTEN = 65_536

/**
 * Finds a command in what a client sends, and holds it back. Keeps at most the head of a packet, or a whole statement
 * where statements are rewritten.
 */
export class CommandWatch {
  readonly #command: number
  readonly #rewrite: RewriteStatement | undefined
  #pending: Buffer = NOTHING
  /** Bytes of the current packet that are still to come. */
  #remaining = 0
  /** Whether the next packet continues a command or a file. */
  #continued = false

  /**
   * @param command the first byte of the command.
   * @param rewrite what happens to each statement; default: nothing.
   */
  constructor(command: number, rewrite?: RewriteStatement) {
    this.#command = command
    this.#rewrite = rewrite
  }

  /** The beginning of a packet that was not passed on yet. */
  get pending(): Buffer {
    return this.#pending
  }

  /** Takes the next bytes from the client. */
  take(data: Buffer): WatchResult {
    let bytes = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data])
    this.#pending = NOTHING
    let position = 0
    for (;;) {
      const taken = Math.min(this.#remaining, bytes.length - position)
      this.#remaining -= taken
      position += taken
      const left = bytes.length - position
      const size = left < 3 ? MAX_PAYLOAD : bytes.readUIntLE(position, 3)
      if (left < HEAD + Math.min(size, 1)) {
        this.#pending = bytes.subarray(position)
        return { passed: bytes.subarray(0, position) }
      }
      const sequence = bytes.readUInt8(position + 3)
      // A command's first packet has the sequence number 0.
      const first = size > 0 && !this.#continued && sequence === 0
      if (first && bytes[position + HEAD] === this.#command)
        return { passed: bytes.subarray(0, position), command: bytes.subarray(position) }
      const end = position + HEAD + size
      if (
        first &&
        this.#rewrite !== undefined &&
        isStatement(bytes[position + HEAD]) &&
        size < MAX_REWRITTEN
      ) {
        if (left < HEAD + size) {
          this.#pending = bytes.subarray(position)
          return { passed: bytes.subarray(0, position) }
        }
        const packet = rewritten(bytes.subarray(position + HEAD, end), this.#rewrite)
        bytes = Buffer.concat([bytes.subarray(0, position), packet, bytes.subarray(end)])
        position += packet.length
        continue
      }
      // Sequence numbers restart after 255. No command has that many packets, but LOAD DATA LOCAL sends that many.
      this.#continued = size === MAX_PAYLOAD || (size > 0 && sequence === 255)
      this.#remaining = HEAD + size
    }
  }
}

function isStatement(command: number | undefined): boolean {
  return command === COMMANDS.query || command === COMMANDS.prepare
}

function rewritten(payload: Buffer, rewrite: RewriteStatement): Buffer {
  const statement = rewrite(payload.toString('latin1', 1))
  return encodePacket(0, payload.subarray(0, 1), Buffer.from(statement, 'latin1'))
}
