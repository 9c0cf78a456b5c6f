/** The event of an invocation. */
export interface Invocation {
  /** How many connections to use at once. */
  connections: 1 | 2
}

/** A message of a function's process: the result of an invocation, or a lost connection. */
export interface Message {
  sessions?: number[]
  error?: string
  lost?: true
}
