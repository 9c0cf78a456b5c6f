/** The event of an invocation. */
export interface Invocation {
  /** How many connections are in use at once. */
  connections: 1 | 2
}

/** What the process of a function says: the answer to an invocation, or that a connection was lost. */
export interface Message {
  sessions?: number[]
  error?: string
  lost?: true
}
