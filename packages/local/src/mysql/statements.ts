import type { Duplex } from 'node:stream'
import { connectBackend, type Backend } from '../backend'
import { isOk, logInToBackend } from './backend-login'
import { parseGreeting } from './greeting'
import { plainResponse } from './handshake-response'
import { COMMANDS, Cursor, encodePacket, MARKERS, readPacket } from './packets'

/** A row by its columns' names, with values as text. */
type Row = Readonly<Record<string, string>>

/** Runs a statement, and returns the rows of its result. */
export type Query = (statement: string) => Promise<Row[]>

/**
 * Runs statements in a session of the backend's own user.
 *
 * @throws {Error} with the server's message when the login or a statement fails.
 */
export async function withSession<T>(backend: Backend, work: (query: Query) => Promise<T>): Promise<T> {
  const socket = await connectBackend(backend)
  try {
    const greeting = parseGreeting((await readPacket(socket)).payload)
    const { stream, answer } = await logInToBackend(socket, greeting, plainResponse(), backend, backend.login)
    if (!isOk(answer)) throw failure('the login', answer)
    const result = await work((statement) => {
      stream.write(encodePacket(0, Buffer.from([COMMANDS.query]), statement))
      return readRows(stream)
    })
    stream.write(encodePacket(0, Buffer.from([COMMANDS.quit])))
    return result
  } finally {
    socket.end()
    socket.resume()
  }
}

/** Runs statements one after the other in a session of their own, as {@link withSession} does. */
export function runStatements(backend: Backend, statements: readonly string[]): Promise<void> {
  return withSession(backend, async (query) => {
    for (const statement of statements) await query(statement)
  })
}

/** Reads the response to a statement: OK, an error, or a result in the text protocol. */
async function readRows(stream: Duplex): Promise<Row[]> {
  const { payload: head } = await readPacket(stream)
  if (isOk(head)) return []
  if (head[0] === MARKERS.error) throw failure('a statement', head)
  const names: string[] = []
  for (let packet = await readPacket(stream); !isEof(packet.payload); packet = await readPacket(stream))
    names.push(columnName(packet.payload))
  const rows: Row[] = []
  for (let packet = await readPacket(stream); !isEof(packet.payload); packet = await readPacket(stream))
    rows.push(textRow(names, packet.payload))
  return rows
}

function isEof(payload: Buffer): boolean {
  return payload[0] === 0xfe && payload.length < 9
}

/** Reads the name of a column from its definition: catalog, schema, table and the table's original name precede it. */
function columnName(definition: Buffer): string {
  const cursor = new Cursor(definition)
  for (let preceding = 4; preceding > 0; preceding--) cursor.lengthEncoded()
  return cursor.lengthEncoded().toString('utf8')
}

/** Reads a row; null is ''. */
function textRow(names: readonly string[], payload: Buffer): Row {
  const cursor = new Cursor(payload)
  const values = names.map((name) => {
    const isNull = payload[payload.length - cursor.left] === 0xfb
    return [name, (isNull ? cursor.bytes(1).subarray(1) : cursor.lengthEncoded()).toString('utf8')]
  })
  return Object.fromEntries(values) as Row
}

function failure(what: string, answer: Buffer): Error {
  // The message follows code and state. Do not print the statement: it may contain a password.
  return new Error(`${what} failed: ${answer.toString('utf8', 9)}`)
}
