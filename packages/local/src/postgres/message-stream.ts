import { encodeMessage, type Message } from './messages'

const HEAD = 5
const NOTHING = Buffer.alloc(0)

/**
 * Finds messages of some types in the bytes that one side sends, and replaces them. Messages of other types pass
 * unchanged, without buffering.
 */
export class MessageStream {
  readonly #types: string
  readonly #replace: (message: Message) => Buffer | undefined
  #chunks: Buffer[] = []
  #length = 0
  /** Number of bytes to wait for before the next message can be handled. */
  #needed = HEAD
  /** Number of bytes that still pass unchanged: the rest of the current message. */
  #passing = 0

  /**
   * @param types the types of the messages to replace, one character each.
   * @param replace returns the bytes to send instead, or undefined to send the message unchanged.
   */
  constructor(types: string, replace: (message: Message) => Buffer | undefined) {
    this.#types = types
    this.#replace = replace
  }

  /** Takes the next bytes, and returns the bytes to send. */
  take(data: Buffer): Buffer {
    this.#chunks.push(data)
    this.#length += data.length
    if (this.#passing === 0 && this.#length < this.#needed) return NOTHING
    const bytes = Buffer.concat(this.#chunks)
    const sent: Buffer[] = []
    let position = 0
    this.#needed = HEAD
    for (;;) {
      const left = bytes.length - position
      if (this.#passing > 0) {
        const passed = Math.min(this.#passing, left)
        sent.push(bytes.subarray(position, position + passed))
        position += passed
        this.#passing -= passed
        if (this.#passing > 0) break
        continue
      }
      if (left < HEAD) break
      const type = bytes.toString('latin1', position, position + 1)
      const size = 1 + bytes.readUInt32BE(position + 1)
      if (!this.#types.includes(type)) {
        this.#passing = size
        continue
      }
      if (left < size) {
        this.#needed = size
        break
      }
      const body = bytes.subarray(position + HEAD, position + size)
      sent.push(this.#replace({ type, body }) ?? encodeMessage(type, body))
      position += size
    }
    const rest = bytes.subarray(position)
    this.#chunks = [rest]
    this.#length = rest.length
    return Buffer.concat(sent)
  }
}
