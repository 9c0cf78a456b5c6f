import { isReadOnlyError } from '../cluster/read-only'

const HEADER_BYTES = 4
const OK = 0x00
const ERROR = 0xff
const EOF = 0xfe
const EOF_BYTES = 5
const PREPARE_OK_BYTES = 12

/** A flag of the server's status. */
const IN_TRANSACTION = 1

/** Follows a server's answers, because mysql2 keeps neither its errors nor its status. */
export class ServerAnswers {
  /** Whether the server has refused a statement because it is a reader. */
  isReader = false
  isInTransaction = false

  /**
   * Reads the last packet of what arrived. Servers send an answer at once, or a long one in several parts: a part that
   * ends with something else changes nothing.
   */
  read(chunk: Buffer): void {
    let start = 0
    let end = endOf(chunk, start)
    // The answer to several statements contains several packets.
    while (chunk[start + HEADER_BYTES] === OK && end < chunk.length) {
      start = end
      end = endOf(chunk, start)
    }
    const first = chunk[start + HEADER_BYTES]
    if (end === chunk.length && first === ERROR) {
      this.isReader ||= isRefusal(chunk.subarray(start + HEADER_BYTES))
      return
    }
    const status = end === chunk.length && first === OK ? statusOfOk(chunk, start) : statusOfEof(chunk)
    if (status !== undefined) this.isInTransaction = (status & IN_TRANSACTION) !== 0
  }
}

function endOf(chunk: Buffer, start: number): number {
  const [low = 0, middle = 0, high = 0] = [chunk[start], chunk[start + 1], chunk[start + 2]]
  return start + HEADER_BYTES + low + middle * 0x100 + high * 0x10000
}

function isRefusal(payload: Buffer): boolean {
  return payload.length > 3 && isReadOnlyError(payload.readUInt16LE(1), payload.toString('latin1', 3))
}

function statusOfOk(chunk: Buffer, start: number): number | undefined {
  const payload = start + HEADER_BYTES
  // The answer to COM_STMT_PREPARE for a statement without parameters and columns begins with the same byte.
  if (chunk.length - payload === PREPARE_OK_BYTES && chunk.readUIntLE(payload + 5, 5) === 0) return undefined
  const insertId = skipInteger(chunk, payload + 1)
  return chunk[skipInteger(chunk, insertId)]
}

/** Skips a length-encoded integer. */
function skipInteger(chunk: Buffer, at: number): number {
  const first = chunk[at] ?? 0
  if (first < 0xfb) return at + 1
  return at + (first === 0xfc ? 3 : first === 0xfd ? 4 : 9)
}

function statusOfEof(chunk: Buffer): number | undefined {
  const start = chunk.length - EOF_BYTES - HEADER_BYTES
  const isEof = chunk[start + HEADER_BYTES] === EOF && endOf(chunk, start) === chunk.length
  return isEof ? chunk[chunk.length - 2] : undefined
}
