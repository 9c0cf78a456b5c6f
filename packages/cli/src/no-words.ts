import { UsageError } from './usage-error'

/** @throws {UsageError} when words follow the options of a command that takes none. */
export function noWords([word]: readonly string[]): void {
  if (word !== undefined) throw new UsageError(`${word}: options begin with --`)
}
