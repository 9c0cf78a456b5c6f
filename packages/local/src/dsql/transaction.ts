import type { StatementError, StatementKind } from './statements'

/** What a session's current transaction did, by the statements that its client sent. */
export class DsqlTransaction {
  #begun = false
  #ddl = false
  #dml = false

  /** Whether it changes rows or the schema. */
  get writes(): boolean {
    return this.#ddl || this.#dml
  }

  /** Whether a BEGIN opened it. */
  get isExplicit(): boolean {
    return this.#begun
  }

  /** Adds a statement. Returns why DSQL refuses it. */
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

  /** Notes that PostgreSQL commits unless there was a BEGIN: after a text of statements, or at a Sync message. */
  endImplicit(): void {
    if (!this.#begun) this.reset()
  }

  /** Notes that there is no transaction. */
  reset(): void {
    this.#begun = this.#ddl = this.#dml = false
  }
}

function refused(message: string): StatementError {
  return { sqlState: '0A000', message }
}
