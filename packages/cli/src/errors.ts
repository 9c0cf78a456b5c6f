/** The command line is wrong: the command ends with status 2, and says where to read how it is called. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The first line of an error's message: core's errors end in a line that says where to read more. */
export function firstLine(error: unknown): string {
  return (error as Error).message.split('\n', 1)[0] ?? ''
}
