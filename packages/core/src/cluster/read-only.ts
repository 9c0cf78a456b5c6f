const ER_OPTION_PREVENTS_STATEMENT = 1290
const ER_READ_ONLY_MODE = 1836

/**
 * Whether a MySQL server refused a statement because it is a reader. Other options prevent statements with the same
 * error number. ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION is not among them: it is about the application's transaction.
 */
export function isReadOnlyError(errno: number | undefined, message: string): boolean {
  return (
    errno === ER_READ_ONLY_MODE || (errno === ER_OPTION_PREVENTS_STATEMENT && message.includes('read-only'))
  )
}
