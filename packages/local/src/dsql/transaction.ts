import type { StatementError, StatementKind } from './statements'

/** The state of a session's current transaction, from the statements that the client sent. */
export class DsqlTransaction {
  #begun = false
  #ddl = false
  #dml = false

  /** Whether the transaction changes rows or the schema. */
  get writes(): boolean {
    return this.#ddl || this.#dml
  }

  /** Whether BEGIN started the transaction. */
  get isExplicit(): boolean {
    return this.#begun
  }

  /** Adds a statement. Returns DSQL's error, or undefined if the statement is allowed. */
  add(kind: StatementKind): StatementError | undefined {
    if (kind === 'begin') this.#begun = true
    if (kind === 'commit' || kind === 'rollback') this.reset()
    if (kind !== 'ddl' && kind !== 'dml') return undefined
    if (this.#ddl && kind === 'ddl') return refused('multiple ddl statements not supported in a transaction')
    if (this.#ddl || (this.#dml && kind === 'ddl'))
      return refused('ddl and dml are not supported in the same transaction')
    if (kind === 'ddl') this.#ddl = true
    else this.#dml = true
    return undefined
  }

  /** Ends a transaction without BEGIN: PostgreSQL commits it after a Query message, or at a Sync message. */
  endImplicit(): void {
    if (!this.#begun) this.reset()
  }

  /** Resets the state: there is no transaction. */
  reset(): void {
    this.#begun = this.#ddl = this.#dml = false
  }
}

function refused(message: string): StatementError {
  return { sqlState: '0A000', message }
}
