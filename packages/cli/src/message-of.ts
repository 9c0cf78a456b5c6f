/** What an error says, without the last line of core's errors: the doctor has an explanation of its own. */
export function messageOf(error: unknown): string {
  return (error as Error).message.replace(/\nSee \S+$/, '')
}
