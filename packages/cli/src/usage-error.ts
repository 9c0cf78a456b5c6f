/** The command was called wrongly: it ends with status 2, and says where to read how it is called. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
