import { encodeMessage, errorFields, errorResponse, type Message } from '../postgres/messages'
import { MessageStream } from '../postgres/message-stream'
import {
  CONFLICTS,
  readStatements,
  type ConflictCode,
  type StatementError,
  type StatementKind,
} from './statements'
import { DsqlTransaction } from './transaction'

const NOTHING = Buffer.alloc(0)

/**
 * Applies DSQL's rules to a session with a PostgreSQL server.
 *
 * A message that DSQL would refuse is replaced by one that PostgreSQL cannot parse. So the transaction fails in
 * PostgreSQL too, and the protocol continues as usual. PostgreSQL's syntax error is then replaced by DSQL's error.
 */
export class DsqlSession {
  readonly #takeConflict: () => ConflictCode | undefined
  readonly #transaction = new DsqlTransaction()
  /** The kinds of prepared statements and portals, by their names. */
  readonly #prepared = new Map<string, StatementKind>()
  readonly #portals = new Map<string, StatementKind>()
  /** The errors of refused messages, by the names that PostgreSQL received in their place. */
  readonly #errors = new Map<string, StatementError>()
  #refused = 0
  /** For each expected ReadyForQuery: whether the request came from the client or from us. */
  #requests: ('client' | 'own')[] = []
  /** The last status from the server: idle, in a transaction, or in a failed one. Undefined during the login. */
  #status: 'I' | 'T' | 'E' | undefined
  readonly #fromClient = new MessageStream('QPBECSF', (message) => this.#request(message))
  readonly #fromServer = new MessageStream('CEZ', (message) => this.#response(message))

  /** @param takeConflict returns the conflict that the next commit fails with, or undefined if it may commit. */
  constructor(takeConflict: () => ConflictCode | undefined) {
    this.#takeConflict = takeConflict
  }

  /** Whether no transaction is open and no response is awaited. */
  get isIdle(): boolean {
    return this.#status === 'I' && this.#requests.length === 0
  }

  /** Whether the transaction has failed. PostgreSQL then accepts only the end of the transaction. */
  get #hasFailed(): boolean {
    return this.#status === 'E' && this.#requests.length === 0
  }

  /** Takes data from the client, and returns the data for the server. */
  fromClient(data: Buffer): Buffer {
    return this.#fromClient.take(data)
  }

  /** Takes data from the server, and returns the data for the client. */
  fromServer(data: Buffer): Buffer {
    return this.#fromServer.take(data)
  }

  #request({ type, body }: Message): Buffer | undefined {
    switch (type) {
      case 'Q':
        return this.#query(textAt(body, 0))
      case 'P':
        return this.#parse(body)
      case 'B': {
        const portal = textAt(body, 0)
        const statement = textAt(body, portal.length + 1)
        this.#portals.set(portal, this.#prepared.get(statement) ?? 'other')
        return undefined
      }
      case 'E':
        return this.#execute(this.#portals.get(textAt(body, 0)) ?? 'other')
      case 'C':
        if (body.toString('latin1', 0, 1) === 'S') this.#prepared.delete(textAt(body, 1))
        else this.#portals.delete(textAt(body, 1))
        return undefined
      default: // Sync and FunctionCall
        this.#requests.push('client')
        this.#transaction.endImplicit()
        return undefined
    }
  }

  /** Reads a Query message. */
  #query(sql: string): Buffer {
    const { text, kinds, error } = readStatements(sql)
    const replacement = this.#check(kinds, error)
    this.#requests.push('client')
    if (replacement === undefined) {
      this.#transaction.endImplicit()
      return query(text)
    }
    return Buffer.concat([replacement.before, query(replacement.name)])
  }

  /** Reads a Parse message: statement name, SQL text and parameter types. */
  #parse(body: Buffer): Buffer {
    const name = textAt(body, 0)
    const sql = textAt(body, name.length + 1)
    const types = body.subarray(name.length + sql.length + 2)
    const { text, kinds, error } = readStatements(sql)
    if (error !== undefined && !this.#hasFailed) return parse(this.#refuse(error))
    this.#prepared.set(name, kinds[0] ?? 'other')
    return encodeMessage('P', latin1(`${name}\0${text}\0`), types)
  }

  #execute(kind: StatementKind): Buffer | undefined {
    const replacement = this.#check([kind])
    if (replacement === undefined) return undefined
    return Buffer.concat([replacement.before, parse(replacement.name)])
  }

  /** Checks statements. Returns what to send in their place, or undefined when they may run. */
  #check(
    kinds: readonly StatementKind[],
    unsupported?: StatementError,
  ): { before: Buffer; name: string } | undefined {
    // The server itself refuses everything except the end of the transaction.
    if (this.#hasFailed) {
      for (const kind of kinds) this.#transaction.add(kind)
      return undefined
    }
    let error = unsupported
    const transaction = this.#transaction
    const wasOpen = transaction.isExplicit
    let writes = transaction.writes
    for (const kind of kinds) {
      error ??= transaction.add(kind)
      writes ||= transaction.writes
    }
    if (error !== undefined) {
      if (!wasOpen) transaction.reset()
      return { before: NOTHING, name: this.#refuse(error) }
    }
    const commits = kinds.includes('commit') || !transaction.isExplicit
    const conflict = writes && commits && !kinds.includes('rollback') ? this.#takeConflict() : undefined
    if (conflict === undefined) return undefined
    transaction.reset()
    const name = this.#refuse(CONFLICTS[conflict])
    if (!wasOpen) return { before: NOTHING, name }
    this.#requests.push('own')
    return { before: query('ROLLBACK'), name }
  }

  /** Returns a word that PostgreSQL cannot parse. Its syntax error will be replaced by `error`. */
  #refuse(error: StatementError): string {
    const name = `dsql_refuses_${++this.#refused}`
    this.#errors.set(name, error)
    return name
  }

  #response({ type, body }: Message): Buffer | undefined {
    if (type === 'E') return this.#error(body)
    const isOwn = this.#requests[0] === 'own'
    if (type === 'C') return isOwn && textAt(body, 0) === 'ROLLBACK' ? NOTHING : undefined
    this.#requests.shift()
    this.#status = body.toString('latin1') as 'I' | 'T' | 'E'
    if (isOwn) return NOTHING
    if (this.isIdle) {
      this.#transaction.reset()
      this.#errors.clear()
    }
    return undefined
  }

  #error(body: Buffer): Buffer | undefined {
    const fields = errorFields(body)
    const [name = ''] = /dsql_refuses_\d+/.exec(fields.get('M') ?? '') ?? []
    const error = this.#errors.get(name) ?? (fields.get('C') === '40001' ? CONFLICTS.OC000 : undefined)
    return error && errorResponse('ERROR', error.sqlState, error.message)
  }
}

function query(text: string): Buffer {
  return encodeMessage('Q', latin1(`${text}\0`))
}

/** A Parse message for the unnamed statement, without parameter types. */
function parse(text: string): Buffer {
  return encodeMessage('P', latin1(`\0${text}\0\0\0`))
}

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** Reads a zero-terminated string, as latin1 so that every byte is preserved. */
function textAt(body: Buffer, start: number): string {
  return body.toString('latin1', start, body.indexOf(0, start))
}
