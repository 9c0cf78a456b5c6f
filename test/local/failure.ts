/** What a promise is rejected with; it is handled from now on. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  const none = Symbol()
  const reason: unknown = await promise.then(
    () => none,
    (error: unknown) => error,
  )
  if (reason === none) throw new Error('the promise was not rejected')
  return reason
}
