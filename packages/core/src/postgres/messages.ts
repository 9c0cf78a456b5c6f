/** A PostgreSQL message: one letter, the length of itself and the body (4 bytes), the body. */
export const HEADER_BYTES = 5

/** The names that postgres.js gives to the fields of a server's error. */
const FIELDS: Record<string, string> = {
  S: 'severity_local',
  V: 'severity',
  C: 'code',
  M: 'message',
  D: 'detail',
  H: 'hint',
  F: 'file',
  L: 'line',
  R: 'routine',
}

/** The first complete message. */
export function firstMessage(bytes: Buffer): Buffer | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const length = 1 + bytes.readUInt32BE(1)
  return bytes.length < length ? undefined : bytes.subarray(0, length)
}

/** The letter of a message. */
export function typeOf(message: Buffer): string {
  return String.fromCharCode(message[0] as number)
}

/** Reads an ErrorResponse. */
export function readError(message: Buffer): Error & { code?: string } {
  const fields = message.toString('utf8', HEADER_BYTES).split('\0')
  const known = fields.flatMap((field) => {
    const name = FIELDS[field.charAt(0)]
    return name === undefined ? [] : [[name, field.slice(1)]]
  })
  return Object.assign(new Error(), Object.fromEntries(known))
}
