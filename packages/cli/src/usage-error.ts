/** The command was called wrongly: it ends with status 2, and says where to read how it is called. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** @throws {UsageError} when words follow the options of a command that takes none. */
export function noWords([word]: readonly string[]): void {
  if (word !== undefined) throw new UsageError(`${word}: options begin with --`)
}
